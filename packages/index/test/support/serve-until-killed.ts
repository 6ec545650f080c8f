import { writeSync } from 'node:fs';
import { openIndex, startServer } from '../../src/index.ts';

/**
 * A process of an index: `serve-until-killed.ts DIRECTORY [PASSPHRASE]`, which never signs without the passphrase. It tells on
 * standard output its address, and `leads` or `stands by` whenever that changes, and never ends by itself.
 */
const [directory = '', passphrase] = process.argv.slice(2);
const LOOK_MS = 10;

const index = await openIndex(directory, { passphrase });
const server = await startServer(index, { host: '127.0.0.1', port: 0 });
writeSync(1, `${server.url}\n`);
let leads: boolean | undefined;
setInterval(() => {
  if (index.leads === leads) return;
  leads = index.leads;
  writeSync(1, leads ? 'leads\n' : 'stands by\n');
}, LOOK_MS);
