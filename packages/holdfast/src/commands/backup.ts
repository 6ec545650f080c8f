import { resolve } from 'node:path';
import { backupIndex, restoreIndex } from '@holdfast/index';
import { readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, print } from '../terminal.ts';

export const backup: Command = {
  name: 'backup',
  usage: 'DIRECTORY TO',
  summary: 'copy an index, also while it is served',
  details: '  TO   a directory; what an earlier backup left there is not copied again',
  async run(args) {
    const [directory = '', to = ''] = readArguments(args, {}, ['DIRECTORY', 'TO']).positionals;
    const { timestampVersion, objects, copied, deletedMeanwhile } = await backupIndex(resolve(directory), resolve(to));
    for (const key of deletedMeanwhile) note(`Deleted while it was backed up: ${key}`);
    print(
      `${to} holds the index as of timestamp version ${timestampVersion}: ${objects} objects, ${copied} copied now.`,
    );
    return 0;
  },
};

export const restore: Command = {
  name: 'restore',
  usage: 'FROM DIRECTORY',
  summary: 'make an index of a backup',
  details: [
    '  DIRECTORY   new; or what is left of the lost index, without its records.sqlite and config.json: then files that were',
    '              published after the backup are found among its objects',
    'The index goes on with versions beyond all that its users may have seen, so they accept it.',
  ].join('\n'),
  async run(args) {
    const [from = '', directory = ''] = readArguments(args, {}, ['FROM', 'DIRECTORY']).positionals;
    const report = await restoreIndex({ from: resolve(from), directory: resolve(directory) });
    for (const key of report.missing) note(`Deleted while the backup was made: ${key}`);
    if (report.recovered.length > 0) {
      note(
        'Published after the backup, and lost from the records. Upload them again, each with the account that owns its project:',
      );
      for (const path of report.recovered) print(path);
    }
    print(
      `${directory} holds ${report.objects} objects and goes on after timestamp version ${report.timestampVersion}.`,
    );
    note(`Start it with: holdfast serve ${directory}`);
    return 0;
  },
};
