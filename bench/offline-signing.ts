import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execArgv, execPath } from 'node:process';
import { loadExport, mergeSignatures, planSigning, readSignatures, writeExport } from '@holdfast/operator';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { normalizeName } from '@holdfast/python-index';
import { binRoleJson, binRoleName, planLeaf, projectBin, type TargetPath } from '@holdfast/trust';
import { signMetadata, type TargetFile } from '@holdfast/tuf';
import { numberArgument } from './lib/arguments.ts';
import { watchMemory } from './lib/process-memory.ts';
import { watchProcessor } from './lib/processor-time.ts';
import { report } from './lib/report.ts';
import { claims, projectMetadata, targetsOf } from './offline-signing/export-of-claims.ts';
import { lookupBytes } from './offline-signing/lookup-bytes.ts';

/**
 * What one holder of offline keys waits for: `holdfast admin sign` on a file with so many claims, each verified with the metadata of its
 * project, until the signatures are written; and what an installer is sent for one of them afterwards. `offline-signing.ts [--claims N]`
 */
const count = numberArgument('claims', 10_000);
const FILES = 20;
const lookedUp = normalizeName(`claimed-project-${count >> 1}`);

const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
const file = join(directory, 'to-sign');
const made = await claims(count);
await writeExport(file, made.items());
const signed = [];
for (const [at, holder] of made.holders.entries()) {
  const key = join(directory, `holder-${at}.json`);
  await writeKeyFile(key, holder, undefined);
  signed.push(await sign(key, join(directory, `signatures-${at}`)));
}
const [first, second] = signed;
if (!first || !second) throw new TypeError('nobody signed');

const began = performance.now();
const loaded = await loadExport(file);
const plan = await planSigning(loaded);
const offer = await mergeSignatures(plan, loaded.id, await Promise.all(signed.map(({ out }) => readSignatures(out))));
const merged = (performance.now() - began) / 1000;
const lookup = lookupBytes({
  count,
  name: lookedUp,
  metadata: await projectMetadata(lookedUp, await generateKey('ed25519'), FILES),
  roles: new Map([...(await othersOf()), ...offer.roles]),
});
const sizes = { file: (await stat(file)).size, signatures: (await stat(first.out)).size };
await rm(directory, { recursive: true });

const seconds = Math.max(first.seconds, second.seconds);
const memory = Math.max(first.memory, second.memory);
const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;
report(
  'Offline signing',
  `${count} projects that were claimed, a key and 3 files each; ${plan.roles.length} roles to sign`,
  [
    { what: 'a holder signs, the whole command', value: `${seconds.toFixed(1)} s`, goal: '≤ 60 s', met: seconds <= 60 },
    { what: 'of that, processor time', value: `${Math.max(first.cpu, second.cpu).toFixed(1)} s` },
    { what: 'its memory at most', value: `${(memory / 1e6).toFixed(0)} MB`, goal: '≤ 1000 MB', met: memory <= 1e9 },
    { what: 'the index verifies both and puts them together', value: `${merged.toFixed(1)} s` },
    { what: 'the file to carry', value: `${(sizes.file / 1e6).toFixed(1)} MB` },
    { what: 'the signatures of one holder', value: `${(sizes.signatures / 1e6).toFixed(1)} MB` },
    {
      what: `lookup of a claimed project with ${FILES} files, zstd`,
      value: kB(lookup.zstd),
      goal: '≤ 12 kB',
      met: lookup.zstd <= 12_000,
    },
    { what: '  brotli', value: kB(lookup.brotli) },
    { what: '  not compressed', value: kB(lookup.plain) },
  ],
);
console.log(`  roles of the lookup: ${lookup.roles.join(', ')}`);

/** What one holder's command takes; processor time is what an idle machine would take, or less with more cores. */
async function sign(key: string, out: string): Promise<{ seconds: number; cpu: number; memory: number; out: string }> {
  const packages = join(import.meta.dirname, '..', 'packages', 'holdfast');
  const main = execArgv.length > 0 ? join(packages, 'src', 'main.ts') : join(packages, 'bin', 'holdfast.js');
  const start = performance.now();
  const args = ['admin', 'sign', file, '--key', key, '--out', out];
  const child = spawn(execPath, [...execArgv, main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const memory = watchMemory(child);
  const cpu = watchProcessor(child);
  child.stderr.resume();
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`holdfast admin sign ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, cpu: cpu(), memory: memory().peak, out };
}

/** The other roles that a lookup of a claimed project meets. */
async function othersOf(): Promise<ReadonlyMap<string, Uint8Array>> {
  const roles = new Map<string, Uint8Array>();
  for await (const item of made.items()) {
    if (item.kind === 'claim') break;
    if (item.kind === 'role' && item.role !== 'claimed') roles.set(item.role, item.bytes);
  }
  const expires = new Date('2027-01-01T00:00:00Z');
  const bin = projectBin(lookedUp);
  const [holder] = made.holders;
  for (const [top, signer] of [
    ['rarely-updated', holder],
    ['recently-claimed', made.online],
    ['unclaimed', made.online],
  ] as const) {
    if (!signer) continue;
    const keys = {
      roleKeys: { keyids: [signer.key.keyid], threshold: 1 },
      keys: new Map([[signer.key.keyid, signer.key]]),
    };
    for (const role of top === 'recently-claimed'
      ? [{ prefix: '', projects: new Map() }]
      : planLeaf('', { targets: others(top) }))
      if (bin.startsWith(role.prefix))
        roles.set(
          binRoleName(top, role.prefix),
          await signMetadata(binRoleJson(top, role, 1, expires, keys), [signer]),
        );
  }
  return roles;
}

/** As many projects again that nobody claimed, half of them quiet, with three files each. */
function others(top: string): ReadonlyMap<TargetPath, TargetFile> {
  const targets = new Map<TargetPath, TargetFile>();
  for (let at = 0; at < count / 2; at++)
    for (const [path, file] of targetsOf(`${top}-project-${at}`, 3)) targets.set(path, file);
  return targets;
}
