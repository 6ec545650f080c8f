import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setNextSigning } from '@holdfast/index';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { statusOf } from '../../index/test/support/developer.ts';
import { serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { upload } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { type Ended, holdfast } from './holdfast.ts';

const wheel = makeWheel({ name: 'quiet', version: '1.0' });

async function good(command: Promise<Ended>): Promise<Ended> {
  const ended = await command;
  assert.equal(ended.code, 0, ended.err);
  return ended;
}

/** An index whose operators signed for a quiet project offline, for real. */
async function quietIndex(t: TestContext): Promise<ServedIndexUnderTest> {
  const served = await serveIndex(t, {}, { model: 'maximum' });
  assert.equal((await upload(served, wheel)).status, 200);
  const directory = await temporaryDirectory(t, 'operators');
  await writeKeyFile(join(directory, 'offline.json'), served.offline, undefined);
  const run = (...args: readonly string[]) => good(holdfast(directory, ['admin', ...args]));
  await run('export', served.directory, 'quiet', '--quiet-days', '0');
  const signed = (await run('sign', 'quiet', '--key', 'offline.json')).out.trim();
  await run('import', served.directory, 'quiet', signed);
  return served;
}

type Person = (...args: readonly string[]) => Promise<Ended>;

async function person(t: TestContext, served: ServedIndexUnderTest): Promise<Person> {
  const directory = await temporaryDirectory(t, 'ann');
  const { token } = await served.index.accounts.createToken({ account: 'ann', label: 'commands' });
  await writeFile(join(directory, 'root.json'), served.root);
  await writeKeyFile(join(directory, 'own.key'), await generateKey('ed25519'), undefined);
  const env = { HOLDFAST_TOKEN: token, HOLDFAST_KEY_PASSPHRASE: 'none' };
  const run: Person = (...args) => holdfast(directory, args, env);
  await good(run('trust', 'add', 'main', served.url, '--root', 'root.json'));
  await good(run('key', 'create', '--file', 'own.key'));
  await good(run('account', 'add-key'));
  return run;
}

/** Version of the role that the index keeps for the claim. */
async function versionOf(served: ServedIndexUnderTest): Promise<unknown> {
  const { roles } = (await statusOf(served, 'quiet')) as { roles: Record<string, { version: number }> };
  return roles['project.quiet']?.version;
}

test('a claim of a project that operators signed for is recorded, says from when on it counts, and is made once (M1, D16)', {
  timeout: 120_000,
}, async (t) => {
  const served = await quietIndex(t);
  const run = await person(t, served);
  // What comes now waits, and no key of developers helps.
  const { filename } = makeWheel({ name: 'quiet', version: '1.1' });
  assert.equal((await upload(served, makeWheel({ name: 'quiet', version: '1.1' }))).status, 200);
  const sign = await good(run('sign', 'quiet', '--yes'));
  assert.ok(
    sign.err.includes(`${filename} waits for the operators' next signing, or for a claim: holdfast claim quiet`),
  );
  const first = await good(run('claim', 'quiet', '--yes'));
  assert.match(first.err, /The claim of quiet is recorded\. It counts .* \(the date is not set yet\)/);
  assert.doesNotMatch(first.err, /quiet is yours/);
  assert.equal(await versionOf(served), 1);

  await setNextSigning(served.directory, new Date('2031-01-31T00:00:00Z'));
  const again = await good(run('claim', 'quiet', '--yes'));
  assert.match(again.err, /The claim of quiet is recorded\. It counts .* \(by 2031-01-31\)/);
  const told = JSON.parse((await good(run('claim', 'quiet', '--yes', '--json'))).out) as Record<string, unknown>;
  assert.deepEqual([told['state'], told['next_signing']], ['recorded', '2031-01-31T00:00:00.000Z']);
  assert.equal(await versionOf(served), 1, 'the same claim posts no further version');

  await good(run('claim', 'quiet', '--yes', '--expires', '400d'));
  assert.equal(await versionOf(served), 2, 'another one does');
});
