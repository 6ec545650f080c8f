import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { normalizeName } from '@holdfast/python-index';
import {
  type ApplyDelta,
  decodeLookup,
  type Lookup,
  type LookedUpRole,
  lookupPath,
  snapshotTreeRoot,
  verifyLookup,
} from '@holdfast/trust';
import { parseTargets, parseTimestamp } from '@holdfast/tuf';
import type { OpenIndex } from '../src/index.ts';
import { startServer } from '../src/index.ts';
import { makeIndex, newFile, openBare } from './support/bare-index.ts';
import { rawRequest } from './support/raw-request.ts';

const DAY = 86_400_000;
const project = normalizeName('project-7');
const applyDelta: ApplyDelta = (delta, dictionary, maxLength) =>
  zstdDecompressSync(delta, { dictionary, maxOutputLength: maxLength });

interface Scene {
  readonly index: OpenIndex;
  readonly url: string;
  readonly directory: string;
  now: number;
}

/** A served index whose one role lists 60 files. */
async function scene(t: TestContext): Promise<Scene> {
  const made = { now: Date.parse('2026-03-01T00:00:00Z') };
  const clock = (): Date => new Date(made.now);
  const { directory } = await makeIndex(t, { clock });
  const index = await openBare(directory, { clock });
  await Promise.all(Array.from({ length: 60 }, (_, at) => index.publisher.publish(newFile(`project-${at}`, '1.0'))));
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(() => server.close());
  return Object.assign(made, { index, url: server.url, directory });
}

interface Answer {
  readonly root: string;
  readonly lookup: Lookup;
  readonly bytes: number;
  readonly held: ReadonlyMap<string, Uint8Array>;
  readonly roles: readonly LookedUpRole[];
}

/** What the newest snapshot says about the project, for someone who holds these roles. */
async function ask({ index, url }: Scene, have: readonly LookedUpRole[] = [], zstd = true): Promise<Answer> {
  const timestamp = parseTimestamp((await index.metadata.newest('timestamp')) ?? assert.fail());
  const root = snapshotTreeRoot(timestamp.signed) ?? assert.fail();
  const held = new Map(have.map(({ sha256, bytes }) => [sha256, bytes]));
  const { status, body } = await rawRequest(`${url}/${lookupPath(root, project, { have: held.keys(), zstd })}`);
  assert.equal(status, 200);
  const lookup = decodeLookup(body);
  return { root, lookup, bytes: body.length, held, roles: verifyLookup(root, project, lookup, held, applyDelta) };
}

const filesOf = ({ roles }: Answer): number =>
  parseTargets(roles.find(({ role }) => role === 'unclaimed')?.bytes ?? assert.fail()).signed.targets.size;

test('who holds the version before is sent what was added, and has the very file that the snapshot lists', async (t) => {
  const made = await scene(t);
  const before = await ask(made);
  await made.index.publisher.publish(newFile('project-7', '2.0'));
  const after = await ask(made, before.roles);
  assert.equal(filesOf(after), 61);
  assert.ok(before.bytes > 2_000 && after.bytes < 500, `${before.bytes} bytes, then ${after.bytes}`);
  const [delta = assert.fail(), ...more] = after.lookup.files;
  assert.equal(more.length, 0);
  const digests = ({ roles }: Answer): readonly string[] => roles.map(({ sha256 }) => sha256);
  assert.deepEqual(digests(after), digests(await ask(made)));

  const old = before.roles.find(({ sha256 }) => sha256.startsWith(delta.coded?.base ?? '-')) ?? assert.fail();
  const restored = createHash('sha256').update(await decodedByZstd(t, delta.bytes, old.bytes));
  assert.equal(restored.digest('hex'), after.roles.find(({ role }) => role === 'unclaimed')?.sha256);
});

/** Decodes as docs/formats/lookup.md says, with the zstd of the system. */
async function decodedByZstd(t: TestContext, coded: Uint8Array, base: Uint8Array): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-delta-'));
  t.after(() => rm(directory, { recursive: true }));
  const vectors = new URL('../../../docs/formats/lookup.json', import.meta.url);
  const { dictionary } = JSON.parse(await readFile(vectors, 'utf8')) as { dictionary: { text: string } };
  const bytes = Buffer.from(coded);
  const frame = 4 + 32 * bytes.readUInt32BE(0);
  await writeFile(join(directory, 'dictionary'), Buffer.concat([base, Buffer.from(dictionary.text)]));
  await writeFile(join(directory, 'frame.zst'), bytes.subarray(frame));
  const args = ['-q', '-d', '--patch-from=dictionary', 'frame.zst', '-o', 'text'];
  await promisify(execFile)('zstd', args, { cwd: directory });
  const runs = bytes.toString('hex', 4, frame).matchAll(/.{64}/g);
  return (await readFile(join(directory, 'text'), 'utf8')).replaceAll('\u0001', () => runs.next().value?.[0] ?? '?');
}

test('a role that was signed again with nothing new in it costs a few hundred bytes', async (t) => {
  const made = await scene(t);
  const before = await ask(made);
  made.now += 300 * DAY;
  await made.index.catchUp();
  const after = await ask(made, before.roles);
  const version = ({ roles }: Answer): number | undefined => roles.find(({ role }) => role === 'unclaimed')?.version;
  assert.notEqual(version(after), version(before));
  assert.equal(filesOf(after), 60);
  const sent = after.lookup.files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.ok(sent < 500, `${sent} bytes`);
});

test('who reads no zstd, holds what nobody had, or a version that is gone is sent files without it', async (t) => {
  const made = await scene(t);
  const before = await ask(made);
  await made.index.publisher.publish(newFile('project-7', '2.0'));
  const plain = await ask(made, before.roles, false);
  assert.ok(plain.lookup.files.every(({ coded }) => coded === undefined));
  const [targets = assert.fail()] = before.roles;
  const whole = ({ lookup }: Answer): boolean =>
    lookup.files.every(({ coded }) => coded && (coded.base ?? targets.sha256).startsWith(targets.sha256.slice(0, 8)));
  const stranger = { ...(before.roles[0] ?? assert.fail()), sha256: '0'.repeat(64) };
  assert.ok(whole(await ask(made, [stranger])));
  const old = before.roles.find(({ role }) => role === 'unclaimed') ?? assert.fail();
  await rm(join(made.directory, 'objects', 'metadata', `${old.version}.unclaimed.json`));
  await made.index.close();
  const again = await openBare(made.directory, { clock: () => new Date(made.now) });
  const server = await startServer(again, { host: '127.0.0.1', port: 0, closeMs: 500 });
  t.after(() => server.close());
  assert.ok(whole(await ask({ ...made, index: again, url: server.url }, before.roles)));
});

test('a delta against any of several versions that are held is against the newest', async (t) => {
  const made = await scene(t);
  const first = await ask(made);
  await made.index.publisher.publish(newFile('project-7', '2.0'));
  const second = await ask(made, first.roles);
  await made.index.publisher.publish(newFile('project-7', '3.0'));
  const third = await ask(made, [...first.roles, ...second.roles]);
  const newest = second.roles.find(({ role }) => role === 'unclaimed') ?? assert.fail();
  assert.deepEqual(
    third.lookup.files.map(({ coded }) => coded?.base),
    [newest.sha256.slice(0, 8)],
  );
});
