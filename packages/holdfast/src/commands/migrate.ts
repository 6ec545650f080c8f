import { migrateIndex } from '@holdfast/index';
import { readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { print } from '../terminal.ts';

export const migrate: Command = {
  name: 'migrate',
  usage: 'DIRECTORY --records LOCATION --objects LOCATION',
  summary: 'move an index to other stores, or back',
  details: [
    '  --records LOCATION    postgres://USER@HOST/DATABASE, or embedded: a file in DIRECTORY',
    '  --objects LOCATION    s3://BUCKET?endpoint=URL, or embedded: files in DIRECTORY',
    'Nobody may serve the index meanwhile. Everything is copied and compared before the configuration is switched; the old',
    'stores stay as they are. Broken off, the same command goes on where it was.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(args, { records: { type: 'string' }, objects: { type: 'string' } }, [
      'DIRECTORY',
    ]);
    const location = (name: string): string | undefined => {
      const given = text(options, name);
      if (given === undefined) throw new UsageError(`--${name} LOCATION is missing; "embedded" means DIRECTORY itself`);
      return given === 'embedded' ? undefined : given;
    };
    const to = { records: location('records'), objects: location('objects') };
    await migrateIndex(positionals[0] ?? '', to, {
      table: (name, { rows, sha256 }) => print(`${name}: ${rows} rows, SHA-256 ${sha256.slice(0, 16)}… in both`),
      copied: (count) => print(`${count} objects are there`),
      verified: (count) => print(`${count} objects have the length and the SHA-256 that the records name`),
    });
    print(`The index is moved. Start it with: holdfast serve ${positionals[0]}`);
    return 0;
  },
};
