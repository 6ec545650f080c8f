import { generateKey } from '@holdfast/tuf/node';
import { rememberKey } from '../src/keys/key-ring.ts';

/** A process that remembers as many new keys as its last argument says. */
const [home = '', account = '', count = '0'] = process.argv.slice(2);
for (let number = 0; number < Number(count); number++) {
  const { key } = await generateKey('ed25519');
  await rememberKey(home, { index: 'ab'.repeat(32), account, key, source: { kind: 'phrase' }, addedAt: new Date() });
}
