import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { RoleEntry } from './cell.ts';
import { verifyProof } from './proof.ts';
import { SnapshotTree } from './tree.ts';

interface Vector {
  readonly name: string;
  readonly roles: readonly RoleEntry[];
  readonly root: string;
  readonly proofs: readonly { readonly bin: string; readonly proof: string; readonly roles: readonly string[] }[];
}

const file = new URL('../../../../docs/formats/snapshot-tree.json', import.meta.url);
const vectors = JSON.parse(await readFile(file, 'utf8')) as readonly Vector[];

test('the published test vectors hold: root hashes, proofs, and what proofs show', () => {
  assert.ok(vectors.length >= 4);
  for (const { name, roles, root, proofs } of vectors) {
    const tree = new SnapshotTree();
    for (const entry of roles) tree.set(entry);
    assert.equal(tree.commit(), root, name);
    for (const { bin, proof, roles: shown } of proofs) {
      assert.equal(Buffer.from(tree.prove(root, bin) ?? []).toString('hex'), proof, `${name}, ${bin}`);
      assert.deepEqual([...verifyProof(root, bin, Buffer.from(proof, 'hex')).keys()].sort(), shown, `${name}, ${bin}`);
    }
  }
});
