import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EvilMirror, Recorder } from '@holdfast/simulator';
import { parseTimestamp } from '@holdfast/tuf';
import type { DemoIndex, DemoProject } from './demo-index.ts';
import { good, heading, quoted, say } from './narrate.ts';
import type { Ran } from './run.ts';

/** Three attacks on the running index, each seen as its victim would see it. Every one must be refused. */
export async function attacks(index: DemoIndex, project: DemoProject): Promise<void> {
  await changedWheel(index, project);
  const mirror = await EvilMirror.start(index.url);
  try {
    await replay(index, project, mirror);
  } finally {
    await mirror.close();
  }
}

async function changedWheel(index: DemoIndex, project: DemoProject): Promise<void> {
  heading('Attack: somebody breaks in and changes one byte of a stored wheel');
  const pattern = `**/*.${project.name.replaceAll('-', '_')}-*.whl`;
  const [wheel] = await Array.fromAsync(glob(pattern, { cwd: index.directory }));
  if (wheel === undefined) throw new Error(`the index stores no wheel of ${project.name}`);
  const path = join(index.directory, wheel);
  const honest = await readFile(path);
  const changed = Uint8Array.from(honest);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  await writeFile(path, changed);
  await index.trust('victim-of-the-wheel');
  refused(await index.tryToInstall(project, 'victim-of-the-wheel'), /./);
  await writeFile(path, honest);
  good('Not a byte of it reached pip.');
}

async function replay(index: DemoIndex, project: DemoProject, mirror: EvilMirror): Promise<void> {
  heading('Attack: a mirror answers with yesterday’s metadata');
  const recorder = new Recorder();
  mirror.attack = recorder.record;
  await index.trust('victim-of-the-replay', mirror.url);
  allowed(await index.tryToInstall(project, 'victim-of-the-replay'));
  const recorded = await fetch(`${index.url}/metadata/timestamp.json`);
  const expires = parseTimestamp(new Uint8Array(await recorded.arrayBuffer())).signed.expires;
  say('Meanwhile the index signs newer metadata, and the user sees it.');
  await nextTimestamp(index);
  mirror.attack = (_path, honest) => honest();
  allowed(await index.tryToInstall(project, 'victim-of-the-replay'));
  say('Now the mirror plays back what it recorded.');
  mirror.attack = recorder.replayAll;
  refused(await index.tryToInstall(project, 'victim-of-the-replay'), /old metadata/i);
  good('The user has seen newer metadata: going back is refused.');

  heading('Attack: the mirror freezes a newcomer in the past');
  say('This user has never seen anything newer. But what the mirror plays back has a date.');
  const left = expires.getTime() - Date.now() + 1_000;
  if (left > 0) {
    say(`(waiting ${Math.ceil(left / 1000)} seconds until it expires; on a real index that is a day)`);
    await wait(left);
  }
  await index.trust('victim-of-the-freeze', mirror.url);
  refused(await index.tryToInstall(project, 'victim-of-the-freeze'), /was valid until/);
  good('Frozen metadata is worth nothing after its day.');
}

/** Waits until the index has signed a newer timestamp by itself. */
async function nextTimestamp(index: DemoIndex): Promise<void> {
  const version = async (): Promise<number> => {
    const answer = await fetch(`${index.url}/metadata/timestamp.json`);
    return parseTimestamp(new Uint8Array(await answer.arrayBuffer())).signed.version;
  };
  const first = await version();
  while ((await version()) === first) await wait(250);
}

function refused({ code, output }: Ran, expected: RegExp): void {
  quoted(output, 12);
  if (code === 0) throw new Error('the attack succeeded: nothing was refused');
  if (!expected.test(output)) throw new Error(`it was refused, but not for the reason ${expected}`);
}

function allowed({ code, output }: Ran): void {
  if (code !== 0) throw new Error(`an honest installation failed:\n${output}`);
}
