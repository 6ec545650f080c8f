import assert from 'node:assert/strict';
import {
  canonicalize,
  FormatError,
  type Metadata,
  parseJson,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@holdfast/tuf';
import { formatExpires } from '../../../src/parse/common.ts';
import { readStrictly } from '../reference/json.ts';
import { type FuzzTarget, labelOf, textOf, words } from '../target.ts';
import { DELEGATED_BYTES, REPOSITORY_PIECES } from './workflow-repository.ts';

type Model = Root | Timestamp | Snapshot | Targets;
const PARSERS: readonly ((bytes: Uint8Array) => Metadata<Model>)[] = [
  parseRoot,
  parseTimestamp,
  parseSnapshot,
  parseTargets,
];

/** A file is refused with a FormatError, or its model says what JSON.parse says, with every entry. The first byte chooses the role. */
export const metadata: FuzzTarget = {
  seeds: [
    ...REPOSITORY_PIECES.map((bytes, index) => Buffer.concat([Buffer.from(String(index)), bytes])),
    Buffer.concat([Buffer.from('3'), DELEGATED_BYTES]),
    '3{"signatures":[],"signed":{"_type":"targets","spec_version":"1.0.34","version":1,"expires":"2030-01-01T00:00:00Z","targets":{"a":{"length":0,"hashes":{"sha256":"00"},"custom":{"x":[1]}}},"delegations":{"keys":{},"succinct_roles":{"keyids":[],"threshold":1,"bit_length":14,"name_prefix":"bin"}}}}',
    '2{"signatures":[{"keyid":"a","sig":""}],"signed":{"_type":"snapshot","spec_version":"1.0","version":1,"expires":"2030-01-01T00:00:00Z","x":1,"meta":{"targets.json":{"version":1},"a.json":{"version":2,"length":3},"b.json":{"version":2,"hashes":{"sha256":"00"}}}}}',
  ],
  dictionary: [
    ...words('"signed": "signatures":[] "_type": "version":1 "expires":" 2030-02-29T00:00:00Z "spec_version":"1.0.0"'),
    ...words('"keyid":"" "keyids":[] "threshold":1 "sig":"" "length":0 "hashes":{} "custom":{} "meta":{} "keyval":{}'),
    ...words(
      '"name":" "terminating":true "paths":[] "path_hash_prefixes":[] "delegations":{} "roles":[] "__proto__":{}',
    ),
    ...words('"succinct_roles":{ "bit_length":33 "name_prefix":"" "consistent_snapshot":true'),
    ...'{}[]:,"019',
  ],
  // A file is read several times here.
  stepLimit: (length) => 20_000 + 300 * length,
  run(input) {
    const kind = (input[0] ?? 0) % 4;
    const bytes = input.subarray(1);
    let model: Metadata<Model> | undefined;
    try {
      model = PARSERS[kind]?.(bytes);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      // The last word: others may be names out of the input.
      return labelOf(`${kind} ${error.where.replace(/\[.*\]/s, '[]')} ${error.problem.replace(/.*\s/s, '')}`);
    }
    assert.ok(model !== undefined);
    assert.equal(model.bytes, bytes);
    const plain = readStrictly(bytes);
    assert.ok(plain !== undefined, 'accepted what is not strict JSON');
    check(model, plain.value);
    return `${kind} accepted`;
  },
};

function check({ signed, signatures, signedBytes }: Metadata<Model>, plain: unknown): void {
  const file = members(plain);
  const listed = members(file.get('signed'));
  assert.deepEqual(JSON.parse(textOf(signedBytes)), file.get('signed'), 'verifies other bytes than it reads');
  assert.ok(canonicalize(parseJson(signedBytes)).length > 0);
  assert.deepEqual(
    signatures.map(({ keyid, sig }) => [keyid, sig]),
    items(file.get('signatures')).map((signature) => [members(signature).get('keyid'), members(signature).get('sig')]),
  );
  assert.equal(signed.type, listed.get('_type'));
  assert.equal(signed.version, listed.get('version'));
  assert.equal(signed.specVersion, listed.get('spec_version'));
  assert.equal(formatExpires(signed.expires), listed.get('expires'));
  for (const [name, value] of signed.unrecognized) assert.deepEqual(canonicalize(value), canonicalOf(listed.get(name)));
  if (signed.type === 'root') checkRoot(signed, listed);
  if (signed.type === 'timestamp')
    assert.equal(signed.snapshotMeta.version, at(listed, 'meta', 'snapshot.json', 'version'));
  if (signed.type === 'snapshot') {
    assert.deepEqual([...signed.meta.keys()].sort(), [...members(listed.get('meta')).keys()].sort());
    for (const [name, file] of signed.meta) {
      assert.equal(file.version, at(listed, 'meta', name, 'version'));
      assert.equal(file.length, at(listed, 'meta', name, 'length'));
      assert.deepEqual(new Map(file.hashes ?? []), members(at(listed, 'meta', name, 'hashes')));
    }
  }
  if (signed.type === 'targets') checkTargets(signed, listed);
}

function checkRoot(root: Root, listed: Members): void {
  assert.deepEqual([...root.keys.keys()].sort(), [...members(listed.get('keys')).keys()].sort());
  for (const [role, { keyids, threshold }] of root.roles) {
    assert.deepEqual(keyids, at(listed, 'roles', role, 'keyids'));
    assert.equal(threshold, at(listed, 'roles', role, 'threshold'));
    assert.ok(threshold >= 1 && new Set(keyids).size === keyids.length);
  }
}

function checkTargets({ targets, delegations }: Targets, listed: Members): void {
  assert.deepEqual([...targets.keys()].sort(), [...members(listed.get('targets')).keys()].sort());
  for (const [path, file] of targets) {
    assert.equal(file.length, at(listed, 'targets', path, 'length'));
    assert.deepEqual(new Map(file.hashes), members(at(listed, 'targets', path, 'hashes')));
    assert.ok(file.hashes.size > 0);
  }
  const names = delegations?.roles.map(({ name }) => name) ?? [];
  assert.deepEqual(
    names,
    items(at(listed, 'delegations', 'roles')).map((role) => members(role).get('name')),
  );
  assert.equal(new Set(names).size, names.length);
  assert.equal(delegations?.succinct?.bitLength, at(listed, 'delegations', 'succinct_roles', 'bit_length'));
}

type Members = ReadonlyMap<string, unknown>;

function members(value: unknown): Members {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function at(from: Members, ...names: readonly string[]): unknown {
  let value: unknown = Object.fromEntries(from);
  for (const name of names) value = members(value).get(name);
  return value;
}

function canonicalOf(plain: unknown): Uint8Array {
  return canonicalize(parseJson(Buffer.from(JSON.stringify(plain))));
}
