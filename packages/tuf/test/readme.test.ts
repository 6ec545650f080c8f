import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { packageDirectory, temporaryDirectory, workspaceDirectory } from './built-package.ts';

const PLACEHOLDER = 'https://example.org/';

/** The first program under a heading of the README. */
function example(heading: string): string {
  const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
  const [, section = ''] = readme.split(`\n## ${heading}\n`);
  return /```ts\n([\s\S]*?)```/.exec(section.split('\n## ')[0] ?? '')?.[1] ?? assert.fail(`no example of ${heading}`);
}

/** Lines that do something: not imports, comments and empty ones. */
function lines(code: string): number {
  const rest = code.replace(/^import [\s\S]*?;$/gm, '');
  return rest.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** Serves the files below a directory by their decoded paths, on a port of its own. */
async function serve(directory: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/').slice(1);
    const [found] = globSync('**/*', { cwd: directory }).filter((file) => file === path);
    if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(readFileSync(join(directory, found)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

test("every name in the README's table of the public surface is exported", () => {
  const [, section = ''] = readFileSync(join(packageDirectory, 'README.md'), 'utf8').split('## Public surface');
  const table = section.split('\n').filter((line) => line.startsWith('|'));
  // Besides what these list by name, the index passes on all that three files export.
  const lists = ['index', 'repository/index', 'node/index', 'browser/index', 'build', 'errors', 'model'];
  const text = lists.map((name) => readFileSync(join(packageDirectory, 'src', `${name}.ts`), 'utf8')).join('\n');
  for (const [, name = ''] of table.join('').matchAll(/`([A-Za-z_]+)`/g))
    assert.ok(name === 'code' || new RegExp(`\\b${name}\\b`).test(text), `${name} is not exported`);
});

describe("the README's examples", () => {
  const resources = new AsyncDisposableStack();
  let directory: string;

  before(async () => {
    directory = resources.use(await temporaryDirectory()).path;
    mkdirSync(join(directory, 'node_modules/@holdfast'), { recursive: true });
    symlinkSync(packageDirectory, join(directory, 'node_modules/@holdfast/tuf'));
    symlinkSync(join(workspaceDirectory, 'node_modules/@types'), join(directory, 'node_modules/@types'));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  });
  after(() => resources.disposeAsync());

  /** As a program of its own, in the directory; the test's own process may be its server. */
  async function runHere(command: string, args: readonly string[]): Promise<string> {
    const child = spawn(command, args, { cwd: directory });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    return code === 0 ? '' : output || `exit status ${String(code)}`;
  }

  /** Problems of the file itself: the package's own sources are checked elsewhere. */
  async function typeErrors(file: string): Promise<readonly string[]> {
    const settings = ['--ignoreConfig', '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext'];
    const conditions = ['--customConditions', 'holdfast-source', '--allowImportingTsExtensions', '--target', 'es2024'];
    const types = ['--types', 'node', '--lib', 'es2024,esnext,dom,dom.iterable'];
    const tsc = join(workspaceDirectory, 'node_modules/.bin/tsc');
    const output = await runHere(tsc, [...settings, ...conditions, ...types, file]);
    return output.split('\n').filter((line) => line.startsWith(`${file}(`));
  }

  async function runProgram(name: string, code: string): Promise<void> {
    writeFileSync(join(directory, name), code);
    assert.equal(await runHere(process.execPath, ['--conditions=holdfast-source', name]), '');
  }

  async function runExample(name: string, code: string): Promise<void> {
    await runProgram(name, code);
    assert.deepEqual(await typeErrors(name), []);
  }

  it('make a repository and verify a file of it, and are as short as they say', async () => {
    const [client, repository] = [example('A client'), example('A repository')];
    assert.ok(lines(client) <= 10, `a client of ${lines(client)} lines`);
    assert.ok(lines(repository) <= 20, `a repository of ${lines(repository)} lines`);

    await runExample('repository.ts', repository);
    const [timestamp = assert.fail('nothing was published')] = globSync('*/metadata/timestamp.json', {
      cwd: directory,
    });
    const published = join(directory, dirname(dirname(timestamp)));
    copyFileSync(join(published, 'metadata/1.root.json'), join(directory, 'root.json'));

    await using server = await serve(published);
    assert.ok(client.includes(PLACEHOLDER));
    const running = client.replaceAll(PLACEHOLDER, server.url);
    const end = "import { writeFile } from 'node:fs/promises';\nawait writeFile('received', content);\n";
    await runExample('client.ts', `${running}\n${end}`);
    assert.equal(readFileSync(join(directory, 'received'), 'utf8'), 'hello');
  });

  it('ask two repositories, and take what both of them say', async () => {
    const code = example('Several repositories');
    const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
    let map = /```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no map');
    for (const [index, name] of ['private', 'public'].entries()) {
      mkdirSync(join(directory, name));
      await runProgram(
        `${name}.ts`,
        example('A repository').replaceAll("'repository/", `'${name}/`).replaceAll('`repository/', `\`${name}/`),
      );
      copyFileSync(join(directory, name, 'metadata/1.root.json'), join(directory, name, 'root.json'));
      const server = resources.use(await serve(join(directory, name)));
      map = map.replaceAll(['https://example.org/', 'https://example.net/'][index] ?? '', server.url);
      // The second mirror of the public one is the same server.
      if (name === 'public') map = map.replaceAll('https://example.com/', server.url);
    }
    writeFileSync(join(directory, 'map.json'), map);
    const end = "import { writeFile } from 'node:fs/promises';\nawait writeFile('agreed', content);\n";
    await runExample('several.ts', `${code}\n${end}`);
    assert.equal(readFileSync(join(directory, 'agreed'), 'utf8'), 'hello');
  });

  it('rotate the keys of a role', async () => {
    const end = "if (name !== 'rotate/projects.rotate.1.json' || meta.length !== file.length) throw new Error(name);\n";
    await runExample('rotation.ts', `${example('A role changes its own keys')}\n${end}`);
  });
});
