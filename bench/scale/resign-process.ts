import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { argv, env, stdout } from 'node:process';
import { addOnlineKey, openIndex } from '@holdfast/index';
import { nextTargets } from '@holdfast/operator';
import { parseRoot } from '@holdfast/tuf';
import { generateKey, type LocalSigner, readKeyFile } from '@holdfast/tuf/node';

/**
 * `resign-process.ts INDEX OFFLINE_KEYS`: replaces the key that signs every file of an index, so that every role has to be signed anew; prints
 * the seconds that it takes from the offer of the new targets until all of it is published.
 */
const [directory = '', offline = ''] = argv.slice(2);
const passphrase = env['HOLDFAST_PASSPHRASE'] ?? '';
const LIFETIME_MS = 365 * 86_400_000;

const online = await generateKey('ed25519');
await addOnlineKey(directory, online, passphrase);
const index = await openIndex(directory, { passphrase });
const holders = parseRoot(index.metadata.root).signed.roles.get('targets');
const signers: LocalSigner[] = [];
for await (const file of glob(join(offline, '*', 'key.json'))) {
  const signer = await readKeyFile(file, env['HOLDFAST_OFFLINE_PASSPHRASE']);
  if (holders?.keyids.includes(signer.key.keyid)) signers.push(signer);
}
const expires = new Date(Math.floor((Date.now() + LIFETIME_MS) / 1000) * 1000);
const current = await index.metadata.newest('targets');
if (current === undefined) throw new Error('the index has no targets');
const targets = await nextTargets(current, { expires, online: { keys: [online.key], threshold: 1 } }, signers);
const began = performance.now();
await index.importOffline({ targets });
stdout.write(`${(performance.now() - began) / 1000}\n`);
await index.close();
