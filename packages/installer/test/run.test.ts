import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { cleanEnvironment, finish, start, tools } from './drive.ts';
import { targetAddress } from './repository.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let work: string;

beforeEach(async () => {
  scene = await Scene.make();
  work = join(scene.home, 'work');
  await mkdir(work);
});
afterEach(() => scene.close());

const pip = (...args: string[]) => ['pip', ...args];
/** Installs into a directory: quicker than a fresh environment, and the same downloads. */
const pipInstall = (...args: string[]) => pip('install', '--target', join(work, 'out'), ...args);
const uvInstall = (...args: string[]) => ['uv', 'pip', 'install', '--target', join(work, 'out'), ...args];

function run(command: readonly string[], options: object = {}, environment: NodeJS.ProcessEnv = {}) {
  const args = [scene.home, work, JSON.stringify(options), ...command];
  return finish(start('run-tool.ts', args, { ...cleanEnvironment(scene.home), ...environment }));
}

/** A server that is not a trusted index, and counts who comes. */
async function stranger(): Promise<{ url: string; host: string; visits: () => number }> {
  let visits = 0;
  const server = http.createServer((_, response) => {
    visits++;
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<a href="demo-9.0-py3-none-any.whl">demo-9.0-py3-none-any.whl</a>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scene.later(() => new Promise((resolve) => server.close(resolve) && server.closeAllConnections()));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}/simple/`, host, visits: () => visits };
}

async function tamper(filename: string): Promise<void> {
  const [, project = ''] = /^([a-z]+)-/.exec(filename) ?? [];
  const client = await scene.client();
  const file = (await client.project(normalizeName(project)))?.files.find((each) => each.filename === filename);
  assert.ok(file);
  const bytes = Buffer.from(scene.repository.files.get(targetAddress(file)) ?? []);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  scene.repository.files.set(targetAddress(file), bytes);
}

for (const [tool, install] of [
  ['pip', pipInstall],
  ['uv', uvInstall],
] as const) {
  test(`real ${tool} installs a project with its dependencies, every byte verified (D9)`, async () => {
    const { code, stderr } = await run(install('demo'));
    assert.equal(code, 0, stderr);
    assert.match(await readFile(join(work, 'out', 'demo.py'), 'utf8'), /1\.0/);
    assert.match(await readFile(join(work, 'out', 'helper.py'), 'utf8'), /1\.2/);
    assert.match(stderr, /holdfast: verified 2 files from main, timestamp 1, valid for 23 hours\n$/);
  });

  test(`real ${tool} stops at a wheel with one byte changed, and the terminal says why (P20)`, async () => {
    await tamper('helper-1.2-py3-none-any.whl');
    const { code, stderr } = await run(install('demo'));
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /holdfast: REFUSED helper-1\.2-py3-none-any\.whl\n {2}What the server sent as helper.* not the file that was signed/,
    );
    assert.match(stderr, /holdfast: 1 refused: helper-1\.2-py3-none-any\.whl/);
    await assert.rejects(readFile(join(work, 'out', 'helper.py')), { code: 'ENOENT' });
  });

  test(`real ${tool} stops at metadata that nobody signed, and the terminal says why (P20)`, async () => {
    scene.repository.files.set('metadata/timestamp.json', Buffer.from('{"signed":{},"signatures":[]}'));
    const { code, stderr } = await run(install('demo'));
    assert.notEqual(code, 0);
    assert.match(stderr, /holdfast: REFUSED demo\n {2}The server sent a "timestamp" that is not valid metadata/);
  });

  test(`real ${tool} never reaches the server of --extra-index-url (D2 bypass)`, async () => {
    const other = await stranger();
    const { code, stderr } = await run(install('--extra-index-url', other.url, 'demo'));
    assert.equal(other.visits(), 0);
    assert.match(stderr, new RegExp(`the command line: --extra-index-url ${other.url} is not a trusted index`));
    assert.match(stderr, new RegExp(`holdfast: REFUSED ${other.host}\n`));
    assert.notEqual(code, 0, 'a refusal makes the run fail even when the tool finds another way');
  });

  test(`real ${tool} never reaches find-links and direct addresses (D2 bypass)`, async () => {
    const other = await stranger();
    const direct = `demo @ http://${other.host}/demo-9.0-py3-none-any.whl`;
    const { code, stderr } = await run(install('--find-links', other.url, direct));
    assert.notEqual(code, 0);
    assert.equal(other.visits(), 0);
    assert.match(stderr, new RegExp(`holdfast: REFUSED ${other.host}\n`));
  });
}

test('pip never reaches the server of an --index-url inside a requirements file, which overrides its environment (D2 bypass)', async () => {
  const other = await stranger();
  await writeFile(join(work, 'requirements.txt'), `--index-url ${other.url}\ndemo\n`);
  const { code, stderr } = await run(pipInstall('-r', 'requirements.txt'));
  assert.notEqual(code, 0);
  assert.equal(other.visits(), 0);
  assert.match(stderr, new RegExp(`requirements.txt line 1: --index-url ${other.url} is not a trusted index`));
  assert.match(stderr, new RegExp(`holdfast: REFUSED ${other.host}\n`));
});

test('uv is told the index by its environment, which overrides an --index-url inside a requirements file (D2 bypass)', async () => {
  const other = await stranger();
  await writeFile(join(work, 'requirements.txt'), `--index-url ${other.url}\ndemo\n`);
  const { code, stderr } = await run(uvInstall('-r', 'requirements.txt'));
  assert.equal(code, 0);
  assert.equal(other.visits(), 0);
  assert.match(stderr, /verified 2 files/);
});

test('pip finds no way round through the settings of the user: environment and pip.conf (D2 bypass)', async () => {
  const other = await stranger();
  const config = `[global]\nindex-url = ${other.url}\nextra-index-url = ${other.url}\nfind-links = ${other.url}\nproxy = http://${other.host}\n`;
  await writeFile(join(scene.home, 'pip.conf'), config);
  const settings = {
    PIP_CONFIG_FILE: join(scene.home, 'pip.conf'),
    PIP_EXTRA_INDEX_URL: other.url,
    NO_PROXY: '*',
    http_proxy: `http://${other.host}`,
  };
  const { code, stderr } = await run(pipInstall('demo'), {}, settings);
  assert.equal(other.visits(), 0, stderr);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /PIP_EXTRA_INDEX_URL is not used/);
});

test('pip is not started with --proxy, which would lead around the verification', async () => {
  const { code, stderr } = await run(pipInstall('--proxy', 'http://127.0.0.1:1', 'demo'));
  assert.equal(code, 2);
  assert.match(stderr, /--proxy \(the command line\) would lead around the verification, so nothing was started/);
});

test('uv never reaches an index of [[tool.uv.index]], and the terminal names it (D2 bypass)', async () => {
  const other = await stranger();
  const project = `[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["demo"]\n[[tool.uv.index]]\nname = "other"\nurl = "${other.url}"\n`;
  await writeFile(join(work, 'pyproject.toml'), project);
  const { code, stderr } = await run(['uv', 'lock']);
  assert.notEqual(code, 0);
  assert.equal(other.visits(), 0);
  assert.match(stderr, /pyproject\.toml line 8: \[tool\.uv\.index\] http.* is not a trusted index and will be blocked/);
  assert.match(stderr, new RegExp(`holdfast: REFUSED ${other.host}\n`));
});

test('uv is not started when its configuration sets another proxy, which it would prefer', async () => {
  await writeFile(join(work, 'uv.toml'), 'http-proxy = "http://127.0.0.1:1"\n');
  const { code, stderr } = await run(uvInstall('demo'));
  assert.equal(code, 2);
  assert.match(stderr, /http-proxy \(uv\.toml line 1\) would lead around the verification/);
});

test('a uv.lock is the same from run to run, and installs through Holdfast from its own addresses', async () => {
  const project = '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["demo"]\n';
  await writeFile(join(work, 'pyproject.toml'), project);
  assert.equal((await run(['uv', 'lock'])).code, 0);
  const lock = await readFile(join(work, 'uv.lock'), 'utf8');
  assert.match(lock, /registry = "http:\/\/127\.0\.0\.1:4653\/i\/main\/simple\/"/);
  const { code, stderr } = await run(['uv', 'sync', '--locked']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /verified 2 files/);
  assert.equal(await readFile(join(work, 'uv.lock'), 'utf8'), lock);
});

test('a uv.lock that names a file which is no longer vouched for is refused (P12)', async () => {
  const project = '[project]\nname = "app"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["demo"]\n';
  await writeFile(join(work, 'pyproject.toml'), project);
  assert.equal((await run(['uv', 'lock'])).code, 0);
  scene.repository.remove('helper-1.2-py3-none-any.whl');
  await scene.repository.publish();
  const { code, stderr } = await run(['uv', 'sync', '--frozen']);
  assert.notEqual(code, 0);
  assert.match(stderr, /REFUSED helper-1\.2-py3-none-any\.whl\n {2}The index main does not vouch for/);
});

test('an unverified host is reached only under the unsafe option, with a loud warning (P14)', async () => {
  const other = await stranger();
  const { stderr } = await run(pip('download', '--extra-index-url', other.url, 'demo'), {
    allowUnverifiedHosts: [other.host],
  });
  assert.ok(other.visits() > 0);
  assert.match(stderr, /holdfast: UNSAFE: nothing from 127\.0\.0\.1:\d+ is verified/);
});

test('another tool runs with its own exit code, and what it starts is behind the proxy too', async () => {
  const other = await stranger();
  const script = `import urllib.request, sys\ntry: urllib.request.urlopen("${other.url}")\nexcept Exception as error: print(error.code, error.reason)\nsys.exit(7)`;
  const { code, stdout } = await run([`${tools}python`, '-c', script]);
  assert.equal(code, 7);
  assert.match(stdout, /403 Holdfast refused 127\.0\.0\.1:\d+: not a trusted index/);
  assert.equal(other.visits(), 0);
});

test('a tool that says 0 although something was refused ends with 1', async () => {
  const other = await stranger();
  const script = `import urllib.request\ntry: urllib.request.urlopen("${other.url}")\nexcept OSError: pass`;
  assert.equal((await run([`${tools}python`, '-c', script])).code, 1);
});

test('signals reach the tool, and its end by a signal is reported as shells do', async () => {
  const script = 'import os, signal, sys, time\nprint("ready", flush=True)\ntime.sleep(60)';
  const args = [scene.home, work, '{}', `${tools}python`, '-c', script];
  const child = start('run-tool.ts', args, cleanEnvironment(scene.home));
  const ended = finish(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill('SIGTERM');
  assert.equal((await ended).code, 128 + 15);
});

test('pip and uv are warned about what is not verified: local files', async () => {
  await writeFile(join(work, 'demo-1.0-py3-none-any.whl'), '');
  const { stderr } = await run(pipInstall('./demo-1.0-py3-none-any.whl'));
  assert.match(stderr, /a local file \.\/demo-1\.0-py3-none-any\.whl is taken from this machine and is not verified/);
});
