import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EvilMirror, Recorder, stealAndForge } from '@holdfast/simulator';
import { parseTimestamp } from '@holdfast/tuf';
import type { DemoIndex, DemoProject } from './demo-index.ts';
import { good, heading, quoted, say } from './narrate.ts';
import type { Ran } from './run.ts';

/** Attacks on the running index, each seen as its victim would see it, the worst at the end. Every one must be refused. */
export async function attacks(index: DemoIndex, project: DemoProject): Promise<void> {
  await changedWheel(index, project);
  const mirror = await EvilMirror.start(index.url);
  try {
    await replay(index, project, mirror);
    await theft(index, project, mirror);
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

async function theft(index: DemoIndex, project: DemoProject, mirror: EvilMirror): Promise<void> {
  heading('Attack: the whole index is stolen, with every key that it holds');
  const name = project.name.replaceAll('-', '_');
  const [wheel] = await Array.fromAsync(glob(`**/*.${name}-*.whl`, { cwd: index.directory }));
  if (wheel === undefined) throw new Error(`the index stores no wheel of ${project.name}`);
  const release = { filename: `${name}-999.0-py3-none-any.whl`, bytes: await readFile(join(index.directory, wheel)) };
  const { signed, unsigned, attack } = await stealAndForge(index.directory, index.passphrase, release);
  say(`With the stolen keys the thief signs ${signed.join(', ')}, and publishes a ${project.name} 999.0 of its own.`);
  say(`What it cannot sign is ${unsigned.join(', ')}: that key never was on the index.`);
  mirror.attack = attack;
  await index.trust('victim-of-the-theft', mirror.url);
  refused(await index.tryToInstall(project, 'victim-of-the-theft'), /needs 1 signature by trusted keys and has 0/);
  good(`Who stole the whole index cannot forge ${project.name}. What nobody has claimed yet, it could.`);
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
