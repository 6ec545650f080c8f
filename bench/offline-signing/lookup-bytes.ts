import { hash } from 'node:crypto';
import { brotliCompressSync, constants, zstdCompressSync } from 'node:zlib';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { encodeLookup, projectBin, projectRole, rolesFor, SnapshotTree, verifyProof } from '@holdfast/trust';

export interface LookupBytes {
  readonly plain: number;
  readonly zstd: number;
  readonly brotli: number;
  readonly roles: readonly string[];
}

export interface LookedUp {
  /** Claimed projects in all. */
  readonly count: number;
  /** One of them. */
  readonly name: ProjectName;
  /** Of its own role. */
  readonly metadata: Uint8Array;
  /** Every other role, by name, that its lookup can meet. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
}

/** What a new installer is sent for one claimed project of as many, as the server compresses it. */
export function lookupBytes({ count, name, metadata, roles: others }: LookedUp): LookupBytes {
  const bytes = new Map([...others, [projectRole(name), metadata]]);
  const tree = new SnapshotTree();
  for (const [role, content] of bytes) tree.set(entryOf(role, content));
  for (let at = 0; at < count; at++) {
    const role = projectRole(normalizeName(`claimed-project-${at}`));
    if (role !== projectRole(name)) tree.set(entryOf(role, new TextEncoder().encode(role)));
  }
  const root = tree.commit();
  const proof = tree.prove(root, projectBin(name)) ?? new Uint8Array();
  const listed = rolesFor(name, verifyProof(root, projectBin(name), proof).values());
  const roles = listed.map(({ role }) => role);
  const sent = [...new Set(roles.map((role) => bytes.get(role) ?? new Uint8Array()))].map((content) => ({
    bytes: content,
  }));
  const plain = encodeLookup({ proof, files: sent });
  const zstd = zstdCompressSync(plain, { pledgedSrcSize: plain.length });
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  return { plain: plain.length, zstd: zstd.length, brotli: brotli.length, roles };
}

function entryOf(role: string, bytes: Uint8Array) {
  return { role, version: 1, length: bytes.length, sha256: hash('sha256', bytes) };
}
