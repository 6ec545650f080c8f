import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Checks of the repository itself: what a reviewer would otherwise have to look for in every change. */
const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

function succeeds(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
}

test('every file is formatted', () => succeeds(bin('biome'), ['format', '.']));
test('the linter finds nothing', () =>
  succeeds(bin('oxlint'), ['--type-aware', 'packages', 'bench', 'script', 'test']));
test('all sources and tests type-check', () => succeeds(bin('tsc'), ['-p', 'tsconfig.json']));
test('shell scripts parse', () => {
  for (const script of ['script/setup', 'script/test', 'script/demo', 'script/bench', 'script/docs', '.ci/run'])
    succeeds('bash', ['-n', script]);
});

/** An arrow points only downwards (DESIGN §7): what a package's sources may import of the workspace. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  tuf: [],
  'python-index': [],
  trust: ['tuf', 'python-index'],
  installer: ['trust', 'python-index', 'tuf'],
  developer: ['installer', 'trust', 'python-index', 'tuf', 'signer-pkcs11'],
  'build-farm': ['developer', 'installer', 'trust', 'python-index', 'tuf'],
  operator: ['trust', 'python-index', 'tuf'],
  index: ['trust', 'python-index', 'tuf'],
  'signer-pkcs11': ['tuf'],
  'signer-aws-kms': ['tuf'],
  'signer-google-kms': ['tuf'],
  'signer-azure-key-vault': ['tuf'],
  simulator: ['index', 'installer', 'operator', 'trust', 'python-index', 'tuf'],
  holdfast: ['build-farm', 'developer', 'index', 'installer', 'operator', 'trust', 'python-index', 'tuf'],
};

/** Packages that run on a user's machine or an offline one depend on nothing outside the workspace. */
const bare = ['tuf', 'python-index', 'trust', 'installer', 'build-farm', 'operator'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
const manifest = (name: string): Manifest =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;

for (const [name, allowed] of Object.entries(arrows)) {
  test(`${name} imports only ${allowed.join(', ') || 'nothing'} of the workspace`, () => {
    const declared = Object.keys(manifest(name).dependencies ?? {}).filter((dependency) =>
      dependency.startsWith('@holdfast/'),
    );
    assert.deepEqual(
      declared.filter((dependency) => !allowed.includes(dependency.slice('@holdfast/'.length))),
      [],
    );
    for (const file of globSync('src/**/*.ts', { cwd: join(root, 'packages', name) })) {
      const source = readFileSync(join(root, 'packages', name, file), 'utf8');
      for (const [, other = ''] of source.matchAll(/(?:from|import)\s*\(?\s*'@holdfast\/([a-z0-9-]+)/g)) {
        assert.ok(allowed.includes(other), `${name}/${file} imports @holdfast/${other}`);
      }
      assert.doesNotMatch(
        source,
        /from '(?:\.\.\/)+(?:tuf|python-index|trust|installer|developer|build-farm|operator|index|simulator|signer-[a-z0-9-]+|holdfast)\/src/,
        file,
      );
    }
  });
}

for (const name of bare) {
  test(`${name} has no dependency outside the workspace`, () => {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest(name);
    const outside = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    assert.deepEqual(
      outside.filter((dependency) => !dependency.startsWith('@holdfast/')),
      [],
    );
  });
}

for (const name of ['tuf', 'python-index', 'trust']) {
  test(`${name} imports Node modules only where a browser takes another file`, () => {
    for (const file of globSync('src/**/*.ts', { cwd: join(root, 'packages', name) })) {
      if (file.endsWith('.test.ts') || /(^|\/)node(\/|\.ts$)|^src\/cli\//.test(file)) continue;
      assert.doesNotMatch(readFileSync(join(root, 'packages', name, file), 'utf8'), /from 'node:/, `${name}/${file}`);
    }
  });
}

test('no file names the host of a package registry or a path of one machine', () => {
  const tracked = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).stdout.split('\0');
  const hosts = [/pypi[.]org/, /pythonhosted[.]org/, /npmjs[.](org|com)/, /crates[.]io/, /proxy[.]golang/];
  for (const file of tracked.filter((name) => name !== '' && !name.endsWith('.png'))) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const host of hosts) assert.doesNotMatch(text, host, `${file} names a registry`);
    assert.doesNotMatch(text, /\/work\/|\/root\//, file);
  }
});
