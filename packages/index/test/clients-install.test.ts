import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveIndex } from './support/served-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';
import { upload } from './support/upload.ts';
import { makeSdist, makeWheel } from './support/wheel.ts';

const metadata = (name: string, more: string): string =>
  `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n${more}\n`;

test('real pip and uv install a project with its dependency, reading dependencies from .metadata (PEP 658)', async (t) => {
  const served = await serveIndex(t);
  const demo = makeWheel({ metadata: metadata('demo', 'Requires-Dist: demo-dependency>=1\n') });
  for (const file of [demo, makeWheel({ name: 'demo-dependency' }), makeSdist()]) {
    assert.equal((await upload(served, file)).status, 200);
  }
  const commands = [
    ['pip', ['install', '--no-cache-dir', '--index-url', `${served.url}/simple/`, '--target', 'site', 'demo']],
    ['uv', ['pip', 'install', '--no-config', '--index-url', `${served.url}/simple/`, '--target', 'site', 'demo']],
  ] as const;
  for (const [tool, args] of commands) {
    const cwd = await temporaryDirectory(t, tool);
    const { status, output } = await runTool(tool, args, { cwd });
    assert.equal(status, 0, output);
    assert.match(await readFile(join(cwd, 'site/demo.py'), 'utf8'), /VERSION = '1\.0'/);
    assert.match(await readFile(join(cwd, 'site/demo_dependency.py'), 'utf8'), /VERSION/);
  }
});

test('real pip and uv say that a project is not there, and pass by a yanked release and one for another Python', async (t) => {
  const served = await serveIndex(t);
  const versions = [
    makeWheel({ version: '1.0' }),
    makeWheel({ version: '2.0' }),
    makeWheel({ version: '3.0', requiresPython: '>=99' }),
  ];
  for (const file of versions) await upload(served, file);
  const body = JSON.stringify({ version: '2.0', yanked: true, reason: 'broken' });
  const headers = { Authorization: `Bearer ${served.token}` };
  const yanked = await fetch(`${served.url}/api/v1/projects/demo/yank`, { method: 'POST', headers, body });
  assert.equal(yanked.status, 200);
  for (const tool of ['pip', 'uv'] as const) {
    const install = tool === 'pip' ? ['install', '--no-cache-dir'] : ['pip', 'install', '--no-config'];
    const options = [...install, '--index-url', `${served.url}/simple/`, '--target', 'site'];
    const cwd = await temporaryDirectory(t, tool);
    const newest = await runTool(tool, [...options, 'demo'], { cwd });
    assert.equal(newest.status, 0, newest.output);
    assert.match(await readFile(join(cwd, 'site/demo.py'), 'utf8'), /VERSION = '1\.0'/);
    const missing = await runTool(tool, [...options, 'no-such-project'], { cwd });
    assert.notEqual(missing.status, 0);
    assert.match(missing.output, /no-such-project/);
  }
});
