import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { clientOf, listed, makeIndex, newFile, objectKey, openBare } from './support/bare-index.ts';
import { VersionWatch } from './support/version-watch.ts';

const CHILD = new URL('./support/publish-until-killed.ts', import.meta.url).pathname;
const KILLS = 20;

test('of publishes broken off by twenty kill -9, each acknowledged one is signed, and no version ever has two contents (P10, M8)', async (t) => {
  const made = await makeIndex(t);
  const watch = new VersionWatch(made.directory);
  const acknowledged: { project: string; version: string }[] = [];
  let versions = 0;
  try {
    for (let round = 0; round < KILLS; round++) acknowledged.push(...(await publishAndKill(made.directory, round)));
  } finally {
    versions = await watch.stop();
  }

  const index = await openBare(made.directory);
  await watch.lookAgain();
  assert.deepEqual(watch.complaints, []);
  assert.ok(acknowledged.length >= KILLS, `only ${acknowledged.length} publishes were acknowledged`);
  const client = clientOf(made);
  await client.refresh();
  for (const project of new Set(acknowledged.map(({ project }) => project))) {
    const files = await listed(client, project);
    for (const { version } of acknowledged.filter((each) => each.project === project)) {
      const file = newFile(project, version);
      assert.equal(files.get(file.filename), file.sha256, `${file.filename} was acknowledged`);
      assert.ok(await readFile(join(made.directory, 'objects', objectKey(file))), file.filename);
    }
  }
  const waiting = await index.records.read.selectFrom('changes').selectAll().where('publication', 'is', null).execute();
  assert.deepEqual(waiting, [], 'what was recorded is published after the restart');
  t.diagnostic(`${acknowledged.length} acknowledged, ${versions} versions of metadata seen`);
});

/** Lets a process publish, ends it at a moment that it cannot choose, and gives back what it had acknowledged. */
async function publishAndKill(directory: string, round: number): Promise<{ project: string; version: string }[]> {
  const child = spawn(process.execPath, ['--conditions=holdfast-source', CHILD, directory, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const first = once(reader, 'line');
  reader.on('line', (line) => lines.push(line));
  await Promise.race([first, failed(child)]);
  await wait(Math.random() * 150);
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]);
  child.kill('SIGKILL');
  await ended;
  return lines.slice(1).map((line) => {
    const [project = '', version = ''] = line.split(' ');
    return { project, version };
  });
}

async function failed(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('the process ended by itself');
}
