import { writeSync } from 'node:fs';
import { openBare, uploadBare } from './bare-index.ts';

/**
 * A process for crash tests: `publish-until-killed.ts DIRECTORY ROUND` publishes from several callers at once, tells on
 * standard output what was acknowledged, and never ends by itself.
 */
const [directory = '', round = ''] = process.argv.slice(2);
const CALLERS = 6;

const index = await openBare(directory);
writeSync(1, 'ready\n');
await Promise.all(
  Array.from({ length: CALLERS }, async (_, caller) => {
    for (let count = 0; ; count++) {
      const [project, version] = [`crash-${(caller + count) % 9}`, `${round}.${caller}.${count}`];
      await uploadBare(index, project, version);
      writeSync(1, `${project} ${version}\n`);
    }
  }),
);
