import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diffOf, missingIn, readExplained, type Report, type Survivor, survivorsOf } from './survivors.ts';

/**
 * Changes the verify code in small ways, one at a time, and runs the tests on each change. Every change that no test
 * notices has to be explained in `survivors.md`.
 */
const FILES = [
  'src/verify.ts',
  'src/client/trusted-set.ts',
  'src/client/roots.ts',
  'src/client/digests.ts',
  'src/delegation/search.ts',
  'src/delegation/match.ts',
  'src/delegation/pattern.ts',
  'src/keys/schemes.ts',
  'src/keys/verify-key.ts',
  'src/crypto/ecdsa-der.ts',
];

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const here = `${root}packages/tuf/test/mutation/`;
const work = `${root}.tools/mutation/`;
const named = process.argv.slice(2);
const files = named.length === 0 ? FILES : FILES.filter((file) => named.some((part) => file.includes(part)));
const explained = readExplained(readFileSync(`${here}survivors.md`, 'utf8')).filter(({ file }) => files.includes(file));

copyPackage();
const survivors = files.flatMap(mutate);
const unexplained = missingIn(explained, survivors);
const outdated = missingIn(survivors, explained);
show('not noticed by any test, nor explained in survivors.md', unexplained);
show('explained in survivors.md, but noticed or gone', outdated);
process.stdout.write(`${survivors.length} survivors in ${files.length} files, ${unexplained.length} unexplained\n`);
process.exit(unexplained.length + outdated.length === 0 && files.length > 0 ? 0 : 1);

/** Stryker writes into the sources that it changes, so it gets its own; around them lies what the tests look for. */
function copyPackage(): void {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(`${work}packages`, { recursive: true });
  cpSync(`${root}packages/tuf`, `${work}packages/tuf`, {
    recursive: true,
    filter: (path) => !path.endsWith('/dist'),
  });
  symlinkSync('../../.tools', `${work}.tools`);
}

function mutate(file: string): readonly Survivor[] {
  const stryker = `${root}.tools/stryker/node_modules/@stryker-mutator/core/bin/stryker.js`;
  const { status } = spawnSync(process.execPath, [stryker, 'run', `${here}stryker.conf.json`, '--mutate', file], {
    cwd: `${work}packages/tuf`,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${root}node_modules/.bin${delimiter}${process.env['PATH'] ?? ''}` },
  });
  if (status !== 0) throw new Error(`Stryker failed on ${file}`);
  const report = JSON.parse(readFileSync(`${work}packages/tuf/report.json`, 'utf8')) as Report;
  return survivorsOf(report);
}

function show(what: string, list: readonly Survivor[]): void {
  for (const file of new Set(list.map((survivor) => survivor.file))) {
    const diffs = list.filter((survivor) => survivor.file === file).map(diffOf);
    process.stdout.write(`\n${what}:\n## ${file}\n\n\`\`\`diff\n${diffs.join('\n')}\n\`\`\`\n`);
  }
}
