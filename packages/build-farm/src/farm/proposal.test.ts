import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { LocalFile, ProjectStatus, StagedFile } from '@holdfast/developer';
import { normalizeName, parseDistributionFilename } from '@holdfast/python-index';
import { type Distribution, defaultProjectExpiry, ProjectRoleEditor } from '@holdfast/trust';
import { signMetadata } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { examine, expiryOf, proposalFor, renewedExpiry, type Verdict } from './proposal.ts';

const project = normalizeName('demo');
/** Names the index that all is signed for. */
const INDEX = 'ab'.repeat(32);
const role = 'project.demo.build-farm';
const now = new Date('2026-06-01T00:00:00Z');
const [ours, theirs] = [await generateKey('ed25519'), await generateKey('ed25519')];

function wheel(version: string, content = version): StagedFile {
  return {
    project,
    filename: `demo-${version}-py3-none-any.whl`,
    sha256: createHash('sha256').update(content).digest('hex'),
    size: 100,
    uploadTime: new Date('2026-05-31T12:00:00Z'),
    coreMetadata: { sha256: 'ab'.repeat(32), size: 5 },
    account: 'other',
  };
}

/** The same as a file of this machine. */
function local({ filename, sha256, size, coreMetadata }: StagedFile): LocalFile {
  const name = parseDistributionFilename(filename);
  return { path: filename, filename, name, displayName: 'demo', sha256, size, ...(coreMetadata && { coreMetadata }) };
}

const published = new ProjectRoleEditor(role);
published.setFile(wheel('1.0'));
const present = await signMetadata(published.build(defaultProjectExpiry(now), INDEX), [ours, theirs]);
const editor = (): ProjectRoleEditor => new ProjectRoleEditor(role, present);

/** Proposes what `change` makes of the published version, with wheel 1.1 built and staged here unless told otherwise. */
async function judged(
  change: (next: ProjectRoleEditor) => void,
  {
    own = [wheel('1.1')],
    staged = own,
    expires = (next: ProjectRoleEditor): Date => expiryOf(next),
    signers = [theirs],
    index = INDEX,
  }: {
    own?: readonly StagedFile[];
    staged?: readonly StagedFile[];
    expires?: (next: ProjectRoleEditor) => Date;
    signers?: readonly (typeof ours)[];
    index?: string;
  } = {},
): Promise<Verdict> {
  const next = editor();
  change(next);
  const bytes = await signMetadata(next.build(expires(next), index), signers);
  const files = new Map(own.map((file) => [file.filename, local(file)]));
  const status = { staged } as unknown as ProjectStatus;
  return examine(bytes, editor(), { own: files, status, keyid: ours.key.keyid, now, index: INDEX });
}

const adds =
  (...files: readonly Distribution[]) =>
  (next: ProjectRoleEditor): void => {
    for (const file of files) next.setFile(strip(file));
  };

function strip(file: Distribution): Distribution {
  const { filename, sha256, size, uploadTime, coreMetadata } = file;
  return { project, filename, sha256, size, uploadTime, ...(coreMetadata && { coreMetadata }) };
}

test('agrees with exactly what it would sign itself, also with a renewal, and knows its own signature', async () => {
  assert.equal((await judged(adds(wheel('1.1')))).kind, 'agree');
  assert.equal((await judged(adds(wheel('1.1')), { signers: [theirs, ours] })).kind, 'signed');
  assert.equal((await judged(() => {}, { own: [], expires: () => renewedExpiry(now) })).kind, 'agree');
});

test('tells other bytes from wheels that it does not know', async () => {
  const other = await judged(adds(wheel('1.1', 'evil')));
  assert.ok(other.kind === 'differs');
  assert.deepEqual([...other.files.keys()], ['demo-1.1-py3-none-any.whl']);
  const both = await judged(adds(wheel('1.1'), wheel('1.2')));
  assert.ok(both.kind === 'foreign' && /1\.2-py3-none-any\.whl was not built here/.test(both.reason));
});

test('signs for nothing beside its wheels: no file taken away, changed or yanked, no delegation, no endless validity', async () => {
  const changes: readonly ((next: ProjectRoleEditor) => void)[] = [
    (next) => void next.removeFile(wheel('1.0').filename),
    (next) => void next.yank(wheel('1.0').filename, true),
    (next) => next.setFile(strip(wheel('1.0', 'evil'))),
    (next) => void next.delegate({ label: 'more', filenames: ['*.whl'], keys: [theirs.key], threshold: 1 }),
    (next) => next.setFile({ ...strip(wheel('1.1')), yanked: 'never install this' }),
    (next) => next.setFile({ ...strip(wheel('1.1')), uploadTime: new Date('2020-01-01T00:00:00Z') }),
    (next) => next.setFile({ ...strip(wheel('1.1')), requiresPython: '>=4' }),
    (next) => next.setFile({ ...strip(wheel('1.1')), size: 99 }),
  ];
  for (const change of changes) {
    const verdict = await judged((next) => {
      adds(wheel('1.1'))(next);
      change(next);
    });
    assert.equal(verdict.kind, 'foreign', change.toString());
  }
  const elsewhere = await judged(adds(wheel('1.1')), { index: 'cd'.repeat(32) });
  assert.equal(elsewhere.kind, 'foreign', 'for another index');
  for (const expires of ['2026-05-31T00:00:00Z', '2030-01-01T00:00:00Z'])
    assert.equal((await judged(adds(wheel('1.1')), { expires: () => new Date(expires) })).kind, 'foreign');
});

test('does not believe an index that keeps another file than this farm built', async () => {
  await assert.rejects(judged(adds(wheel('1.1')), { staged: [wheel('1.1', 'evil')] }), { code: 'FILE_REFUSED' });
});

test('two farms write the same end of validity, and find a proposal only for their role and version', async () => {
  const [one, two] = [editor(), editor()];
  for (const next of [one, two]) next.setFile(wheel('1.1'));
  assert.deepEqual(expiryOf(one), new Date('2028-05-31T12:00:00Z'));
  assert.deepEqual(one.build(expiryOf(one)), two.build(expiryOf(two)));
  const bytes = await signMetadata(one.build(expiryOf(one)), [theirs]);
  const waiting = (roles: ReadonlyMap<string, Uint8Array>, more = {}): ProjectStatus =>
    ({ transactions: [{ transaction: { roles, ...more } }] }) as unknown as ProjectStatus;
  const own = new Map([[role, bytes]]);
  assert.ok(proposalFor(waiting(own), role, 2));
  assert.equal(proposalFor(waiting(own), role, 3), undefined);
  assert.equal(proposalFor(waiting(own), 'project.demo.windows', 2), undefined);
  assert.equal(proposalFor(waiting(new Map([...own, ['project.demo', bytes]])), role, 2), undefined);
  assert.equal(proposalFor(waiting(own, { rotation: bytes }), role, 2), undefined);
  assert.equal(proposalFor(waiting(new Map([[role, Buffer.from('{}')]])), role, 2), undefined);
});
