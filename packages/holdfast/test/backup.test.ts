import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, holdfast, started } from './holdfast.ts';

const running = new Set<{ kill(signal: 'SIGKILL'): boolean }>();
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

test('holdfast backup and restore: of a served index, after which its users go on with what they trusted', async (t) => {
  const directory = await temporaryDirectory(t, 'backup-command');
  const run = (...args: string[]): Promise<Ended> => holdfast(directory, args);
  const serve = async (port: string): ReturnType<typeof started> => {
    const server = await started(directory, ['serve', 'index', '--port', port], /Serving at (http:\S+)\n/);
    running.add(server.child);
    return server;
  };
  await mkdir(join(directory, 'home'));
  await run('init', 'index', '--offline-keys', 'offline');
  await run('account', 'create', 'index', 'ann');
  const token = (await run('token', 'create', 'index', 'ann')).out.trim();
  const first = await serve('0');
  const url = first.found;
  assert.equal((await upload({ url, token }, makeWheel())).status, 200);
  const made = await run('backup', 'index', 'copy');
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^copy holds the index as of timestamp version \d+: 2 objects, 2 copied now\.\n$/);
  const later = makeWheel({ version: '2.0' });
  assert.equal((await upload({ url, token }, later)).status, 200);
  await run('trust', 'add', 'main', url, '--root', 'offline/root.json');
  assert.equal((await run('download', 'demo==2.0', '--to', 'before')).code, 0);
  first.child.kill('SIGTERM');
  assert.equal((await first.end).code, 0);

  const refused = await run('restore', 'copy', 'index');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^holdfast: .*index/);
  for (const name of ['records.sqlite', 'config.json'])
    await rename(join(directory, 'index', name), join(directory, `${name}.lost`));
  for (const name of ['records.sqlite-wal', 'records.sqlite-shm'])
    await rm(join(directory, 'index', name), { force: true });
  const restored = await run('restore', 'copy', 'index');
  assert.equal(restored.code, 0, restored.err);
  const [, recovered = ''] = /^(.*recovered\/demo-2\.0-py3-none-any\.whl)$/m.exec(restored.out) ?? [];
  assert.match(restored.out, /^index holds 2 objects and goes on after timestamp version \d{8}\.$/m);
  assert.match(restored.err, /Published after the backup, and lost from the records\./);

  const second = await serve(new URL(url).port);
  assert.equal((await run('download', 'demo==1.0', '--to', 'after')).code, 0, 'the same user, who saw the lost state');
  assert.notEqual((await run('download', 'demo==2.0', '--to', 'after')).code, 0);
  const bytes = await readFile(recovered);
  assert.equal((await upload({ url, token }, { ...later, bytes })).status, 200);
  assert.equal((await run('download', 'demo==2.0', '--to', 'after')).code, 0);
  assert.equal((await run('doctor', '--index', 'main')).code, 0);
  second.child.kill('SIGTERM');
  await second.end;

  await mkdir(join(directory, 'empty'));
  const nothing = await run('restore', 'empty', 'new');
  assert.deepEqual([nothing.code, /holds no complete backup/.test(nothing.err)], [1, true]);
  await writeFile(join(directory, 'empty', 'x'), '');
  assert.equal((await run('backup', 'empty', 'copy2')).code, 1);
});
