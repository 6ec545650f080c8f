import { appendFileSync } from 'node:fs';
import { withFileLock } from '@holdfast/tuf/node';

/** `node child-holds-lock.ts LOCK LOG COUNT`: enters the lock COUNT times and notes each entry and exit; COUNT 0 stays inside. */
const [lock = '', log = '', count = '0'] = process.argv.slice(2);
const note = (word: string): void => appendFileSync(log, `${word} ${process.pid}\n`);
if (count === '0') {
  await withFileLock(lock, () => {
    process.stdout.write('inside\n');
    return new Promise<void>((resolve) => {
      process.stdin.once('end', resolve).resume();
    });
  });
}
for (let left = Number(count); left > 0; left--) {
  await withFileLock(lock, async () => {
    note('in');
    await new Promise((resolve) => setImmediate(resolve));
    note('out');
  });
}
