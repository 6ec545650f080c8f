import { checkRecords } from '@holdfast/index';
import { readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { print } from '../terminal.ts';

export const check: Command = {
  name: 'check',
  usage: 'DIRECTORY',
  summary: 'look for damage in the records of an index, also while it is served',
  details:
    'Reads all of the records: a start does so only while they are small. holdfast doctor looks at what is published.',
  async run(args) {
    const [directory = ''] = readArguments(args, {}, ['DIRECTORY']).positionals;
    if (await checkRecords(directory)) print('The records are whole.');
    else print('The records are in PostgreSQL, which has tools of its own for this: pg_amcheck.');
    return 0;
  },
};
