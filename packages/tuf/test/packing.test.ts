import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { publint } from 'publint';
import { packageDirectory, run, temporaryDirectory, workspaceDirectory } from './built-package.ts';

const tool = (name: string): string => join(workspaceDirectory, 'node_modules/.bin', name);

/** What `npm pack` makes of the package as it stands, built anew in a copy. */
function pack(directory: string): { readonly tarball: string; readonly files: readonly string[] } {
  const copy = join(directory, 'packages/tuf');
  const left = new Set(['dist', 'node_modules', 'test'].map((name) => join(packageDirectory, name)));
  cpSync(packageDirectory, copy, { recursive: true, filter: (path) => !left.has(path) });
  cpSync(join(workspaceDirectory, 'tsconfig.base.json'), join(directory, 'tsconfig.base.json'));
  symlinkSync(join(workspaceDirectory, 'node_modules'), join(directory, 'node_modules'));
  run(tool('tsc'), ['-p', 'tsconfig.build.json', '--noCheck'], copy);
  const report: unknown = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', directory], copy));
  const [packed] = report as readonly [{ readonly filename: string; readonly files: readonly { path: string }[] }];
  return { tarball: join(directory, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** A project outside the workspace with nothing installed but the tarball; no registry is asked. */
function makeProject(directory: string, tarball: string): void {
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball], directory);
  cpSync(join(packageDirectory, 'test/packing'), directory, { recursive: true });
}

/** Strictly, declarations of libraries included. */
function compile(project: string, file: string, resolution: string, further: readonly string[]): void {
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--target', 'es2024', '--moduleResolution', resolution];
  const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
  run(tool('tsc'), ['--ignoreConfig', ...strict, '--module', module, ...further, file], project);
}

describe('the packed package', () => {
  const resources = new AsyncDisposableStack();
  let files: readonly string[];
  let tarball: string;
  let project: string;

  before(async () => {
    const [here, outside] = [resources.use(await temporaryDirectory()), resources.use(await temporaryDirectory())];
    ({ tarball, files } = pack(here.path));
    project = join(outside.path, 'project');
    makeProject(project, tarball);
  });
  after(() => resources.disposeAsync());

  it('holds what is built, its sources, README and license, and nothing else', () => {
    const expected =
      /^(?:LICENSE|bin\/tuf-client|README\.md|package\.json|src\/.+\.ts|dist\/.+\.(?:js|d\.ts)(?:\.map)?)$/;
    assert.deepEqual(
      files.filter((file) => !expected.test(file) || file.endsWith('.test.ts')),
      [],
    );
    for (const source of files.filter((file) => file.startsWith('src/'))) {
      const built = source.replace(/^src\/(.+)\.ts$/, 'dist/$1');
      for (const end of ['.js', '.d.ts', '.js.map', '.d.ts.map']) assert.ok(files.includes(built + end), built + end);
    }
    assert.ok(files.includes('LICENSE') && files.includes('README.md'));
  });

  it('has maps that lead to the sources inside it', () => {
    const root = join(project, 'node_modules/@holdfast/tuf');
    for (const map of files.filter((file) => file.endsWith('.map'))) {
      const { sources } = JSON.parse(readFileSync(join(root, map), 'utf8')) as { readonly sources: readonly string[] };
      for (const source of sources) assert.ok(existsSync(join(root, dirname(map), source)), `${map}: ${source}`);
    }
  });

  it('brings no other package along', () => {
    const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as { packages: object };
    assert.deepEqual(Object.keys(lock.packages), ['', 'node_modules/@holdfast/tuf']);
  });

  for (const resolution of ['nodenext', 'bundler']) {
    it(`has types for a page, without those of Node, as ${resolution} resolves them`, () => {
      compile(project, 'page.ts', resolution, ['--lib', 'es2024,dom', '--types', '']);
    });

    it(`serves a program, type-checked without the DOM as ${resolution} resolves and run as plain JavaScript`, () => {
      const types = ['--types', 'node', '--typeRoots', join(workspaceDirectory, 'node_modules/@types')];
      compile(project, 'program.ts', resolution, ['--lib', 'es2024', ...types]);
      assert.equal(run(process.execPath, ['program.js'], project), 'targets 5\ntargets 5\n');
    });
  }

  it('brings the command of the client test protocol, which runs what was built', () => {
    const nodeFirst = `PATH=${dirname(process.execPath)}:$PATH`;
    run('sh', ['-c', `${nodeFirst} node_modules/.bin/tuf-client --metadata-dir trusted init root.json`], project);
    assert.deepEqual(readFileSync(join(project, 'trusted/root.json')), readFileSync(join(project, 'root.json')));
  });

  it('is what publint calls well published', async () => {
    const bytes = readFileSync(tarball);
    const { messages } = await publint({ pack: { tarball: Uint8Array.from(bytes).buffer }, strict: true });
    assert.deepEqual(messages, []);
  });

  it('has types that attw finds at every entry of an ESM-only package', () => {
    run(tool('attw'), [tarball, '--profile', 'esm-only'], project);
  });
});
