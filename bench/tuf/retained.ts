import { readFileSync } from 'node:fs';
import { parseRoot, parseTargets, verifySignatures } from '@holdfast/tuf';

/** Prints how many bytes more are in use, after garbage collection, while parsed and verified targets are held. */
const [rootFile = '', targetsFile = ''] = process.argv.slice(2);
const { keys, roles } = parseRoot(readFileSync(rootFile)).signed;
const role = roles.get('targets') ?? { keyids: [], threshold: 1 };
const used = (): number => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const before = used();
const metadata = parseTargets(readFileSync(targetsFile));
await verifySignatures(metadata, keys, role, 'targets');
const after = used();
if (metadata.signed.targets.size === 0) throw new Error('no targets');
console.log(after - before);
