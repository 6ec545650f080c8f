import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  canonicalize,
  encodeJson,
  ExpiredError,
  FormatError,
  HashMismatchError,
  LengthMismatchError,
  checkSignatures,
  type Metadata,
  MismatchError,
  MissingMetadataError,
  parseTargets,
  RollbackError,
  type Signer,
  signMetadata,
  snapshotJson,
  targetsJson,
  toJson,
  TrustedSet,
  TufError,
  verifySignatures,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, later, NOW, TestRepository } from './repository.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const isMisuse = (message: string) => (error: unknown) =>
  error instanceof Error && !(error instanceof TufError) && error.message === message;

/** A set that has taken in the repository's files up to a role. */
async function setUpTo(repository: TestRepository, last: 'root' | 'timestamp' | 'snapshot' | 'targets') {
  const set = await TrustedSet.create(repository.rootBytes, NOW);
  if (last === 'root') return set;
  await set.updateTimestamp(repository.file('timestamp.json'));
  if (last === 'timestamp') return set;
  await set.updateSnapshot(repository.file(`${repository.versions.snapshot}.snapshot.json`));
  if (last === 'snapshot') return set;
  await set.updateRole(repository.file(`${repository.versions.snapshot}.targets.json`), 'targets', 'root');
  return set;
}

describe('a trusted set', () => {
  it('takes roles in the order of the workflow only (§5)', async () => {
    const repository = await TestRepository.create();
    const root = await repository.publishRoot();
    const timestamp = repository.file('timestamp.json');
    const snapshot = repository.file('1.snapshot.json');
    const fresh = await setUpTo(repository, 'root');
    assert.throws(() => fresh.checkTimestampFresh(), isMisuse('timestamp comes before snapshot'));
    assert.throws(() => fresh.roleMeta('targets'), MissingMetadataError);
    const withTimestamp = await setUpTo(repository, 'timestamp');
    await assert.rejects(withTimestamp.updateRoot(root), isMisuse('root comes before timestamp'));
    await assert.rejects(withTimestamp.checkSnapshotCurrent(), isMisuse('snapshot comes before targets'));
    const withSnapshot = await setUpTo(repository, 'snapshot');
    await assert.rejects(withSnapshot.updateTimestamp(timestamp), isMisuse('timestamp comes before snapshot'));
    assert.equal(fresh.nextRotation('targets', 'root'), undefined);
    await assert.rejects(
      withSnapshot.updateRotation(root, 'targets', 'root'),
      isMisuse('the snapshot lists no further rotation of targets'),
    );
    const whole = await setUpTo(repository, 'targets');
    await assert.rejects(whole.updateSnapshot(snapshot), isMisuse('snapshot comes before targets'));
  });

  it('verifies a role only for a parent that delegates to it (§5.6.3)', async () => {
    const repository = await TestRepository.create();
    const signer = await key();
    repository.roles.set('listed', { signers: [signer] });
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      delegations: delegate({ name: 'listed', signer }),
    });
    await repository.publish();
    const set = await setUpTo(repository, 'targets');
    const bytes = repository.file('2.listed.json');
    await assert.rejects(set.updateRole(bytes, 'listed', 'root'), isMisuse('root does not delegate to listed'));
    await assert.rejects(set.updateRole(bytes, 'other', 'targets'), isMisuse('targets does not delegate to other'));
    await assert.rejects(set.updateRole(bytes, 'other', 'nobody'), isMisuse('nobody does not delegate to other'));
    await set.updateRole(bytes, 'listed', 'targets');
    await assert.rejects(set.updateRole(bytes, 'other', 'listed'), isMisuse('listed does not delegate to other'));
  });

  it('names the role whose bytes are no metadata, and says where', async () => {
    const repository = await TestRepository.create();
    const isFormatOf = (role: string) => (error: unknown) =>
      error instanceof FormatError &&
      error.role === role &&
      error.where === 'document' &&
      error.problem === 'should be an object' &&
      error.cause instanceof FormatError;
    const set = await setUpTo(repository, 'root');
    await assert.rejects(set.updateRoot(bytesOf('[]')), isFormatOf('root'));
    await assert.rejects(set.updateTimestamp(bytesOf('[]')), isFormatOf('timestamp'));
    await set.updateTimestamp(repository.file('timestamp.json'));
    await assert.rejects(set.updateSnapshot(bytesOf('[]')), isFormatOf('snapshot'));
    await set.updateSnapshot(repository.file('1.snapshot.json'));
    await assert.rejects(set.updateRole(bytesOf('[]'), 'targets', 'root'), isFormatOf('targets'));
  });

  it('takes no timestamp under an expired root (§5.3.10)', async () => {
    const repository = await TestRepository.create();
    const set = await TrustedSet.create(repository.rootBytes, later(400));
    await assert.rejects(set.updateTimestamp(repository.file('timestamp.json')), ExpiredError);
  });

  it('says whether a timestamp was new, and keeps the bytes that it had (§5.4.3.1)', async () => {
    const repository = await TestRepository.create();
    const set = await setUpTo(repository, 'root');
    const first = repository.file('timestamp.json');
    assert.equal(await set.updateTimestamp(first), true);
    repository.expires.timestamp = later(2);
    await repository.publishTimestamp({ version: 1 });
    const other = repository.file('timestamp.json');
    assert.notDeepEqual(other, first);
    assert.equal(await set.updateTimestamp(other), false);
    assert.equal(set.timestamp?.bytes, first);
    await repository.publish();
    assert.equal(await set.updateTimestamp(repository.file('timestamp.json')), true);
  });

  it('lets a stored snapshot in whatever the timestamp announces today, to compare, but not to go on (§5.5.2, §5.5.4)', async () => {
    const repository = await TestRepository.create();
    const old = repository.file('1.snapshot.json');
    repository.withHashes = true;
    await repository.publish();
    const set = await setUpTo(repository, 'timestamp');
    await assert.rejects(
      set.updateSnapshot(old),
      (error) => error instanceof LengthMismatchError && error.subject === 'snapshot',
    );
    await set.updateSnapshot(old, 'cache');
    await assert.rejects(
      set.checkSnapshotCurrent(),
      (error) =>
        error instanceof MismatchError && error.role === 'snapshot' && error.expected === 2 && error.actual === 1,
    );
  });

  it('goes on from a stored snapshot only when it has the announced hash (§5.5.2)', async () => {
    const repository = await TestRepository.create();
    repository.withHashes = true;
    const meta = new Map([['targets.json', { version: 1 }]]);
    const made = (text: string) =>
      signMetadata(
        snapshotJson({ version: 1, expires: later(7), meta, extra: new Map([['x', text]]) }),
        repository.signers.snapshot,
      );
    const [stored, announced] = await Promise.all([made('a'), made('b')]);
    const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(announced));
    const hashes = new Map([['sha256', Buffer.from(digest).toString('hex')]]);
    await repository.publishTimestamp({ version: 1, hashes });
    const set = await setUpTo(repository, 'timestamp');
    await set.updateSnapshot(stored, 'cache');
    await assert.rejects(
      set.checkSnapshotCurrent(),
      (error) => error instanceof HashMismatchError && error.subject === 'snapshot' && error.algorithm === 'sha256',
    );
  });

  it('takes only the announced version of a snapshot from the network (§5.5.4)', async () => {
    const repository = await TestRepository.create();
    const old = repository.file('1.snapshot.json');
    await repository.publish();
    const set = await setUpTo(repository, 'timestamp');
    await assert.rejects(
      set.updateSnapshot(old),
      (error) => error instanceof MismatchError && error.role === 'snapshot' && error.expected === 2,
    );
    assert.equal(set.snapshot, undefined);
  });

  it('names the role that went back, whatever it is called (§5.5.5)', async () => {
    const repository = await TestRepository.create();
    const publish = async (version: number) => {
      repository.versions.snapshot++;
      repository.versions.timestamp++;
      await repository.publishSnapshot(new Map([['a.json.b.json', { version }]]));
    };
    await publish(2);
    const before = repository.file('2.snapshot.json');
    await publish(1);
    const set = await setUpTo(repository, 'timestamp');
    await set.updateSnapshot(before, 'cache');
    await assert.rejects(
      set.updateSnapshot(repository.file('3.snapshot.json')),
      (error) =>
        error instanceof RollbackError && error.role === 'a.json.b' && error.trusted === 2 && error.offered === 1,
    );
  });
});

describe('checking signatures', () => {
  const signed = targetsJson({ version: 1, expires: later(1), targets: new Map([['a', emptyFile()]]) });
  const roleOf = (threshold: number, ...keyids: readonly string[]) => ({ keyids, threshold });

  it('tells for every keyid of the role why it does not count', async () => {
    const [good, absent, empty, odd, other] = await Promise.all([key(), key(), key(), key(), key()]);
    const sig = (signer: Signer, text: string) => ({ keyid: signer.key.keyid, sig: text });
    const valid = Buffer.from(await good.sign(canonicalize(signed))).toString('hex');
    const signatures = [sig(good, valid), sig(empty, ''), sig(odd, 'abc'), sig(other, valid)];
    const metadata = parseTargets(encodeJson(toJson({ signatures, signed })));
    const keyids = [good, absent, empty, odd, other].map((signer) => signer.key.keyid);
    const keys = new Map([good, absent, empty, odd, other].map((signer) => [signer.key.keyid, signer.key]));
    const role = roleOf(2, ...keyids, 'unlisted', 'unlisted too');
    keys.set('unlisted too', { ...good.key, keyid: 'unlisted too', scheme: 'unheard of' });
    const outcome = await checkSignatures(metadata, keys, role);
    assert.deepEqual(outcome.keyids, [good.key.keyid]);
    assert.equal(outcome.valid, 1);
    assert.deepEqual(
      [...outcome.problems],
      [
        [absent.key.keyid, 'has not signed'],
        [empty.key.keyid, 'has not signed'],
        [odd.key.keyid, 'its signature is not hexadecimal'],
        [other.key.keyid, 'its signature is for other content'],
        ['unlisted', 'no such key is listed'],
        ['unlisted too', 'has not signed'],
      ],
    );
    await assert.rejects(verifySignatures(metadata, keys, role), { role: 'metadata', threshold: 2, valid: 1 });
    await assert.rejects(verifySignatures(metadata, keys, role, 'some role'), { role: 'some role' });
  });

  it('counts different keys also over the canonical form of what was received in another layout', async () => {
    const [one, two] = await Promise.all([key(), key()]);
    const tight = await signMetadata(signed, [one, two]);
    const spaced = bytesOf(new TextDecoder().decode(tight).replace('"signed":{', '"signed": { '));
    const metadata = parseTargets(spaced);
    const keys = new Map([one, two].map((signer) => [signer.key.keyid, signer.key]));
    assert.equal(await verifySignatures(metadata, keys, roleOf(2, one.key.keyid, two.key.keyid)), 2);
  });

  it('says that signed bytes made by hand are no JSON, instead of counting them as unsigned', async () => {
    const signer = await key();
    const keyid = signer.key.keyid;
    const metadata: Metadata<undefined> = {
      signed: undefined,
      signatures: [{ keyid, sig: '00'.repeat(64) }],
      bytes: bytesOf('no JSON'),
      signedBytes: bytesOf('no JSON'),
    };
    await assert.rejects(checkSignatures(metadata, new Map([[keyid, signer.key]]), roleOf(1, keyid)), FormatError);
  });
});
