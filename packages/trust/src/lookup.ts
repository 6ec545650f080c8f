import { sha256 } from '#sha256';
import { type ProjectName } from '@holdfast/python-index';
import { ProofError } from './errors.ts';
import { toHex } from './hex.ts';
import type { RoleEntry } from './snapshot-tree/cell.ts';
import { verifyProof } from './snapshot-tree/proof.ts';
import { projectBin } from './target-path.ts';

/** What a server answers for one project under one root hash: docs/formats/lookup.md. */
export interface Lookup {
  /** Of the project's bin. */
  readonly proof: Uint8Array;
  /** The different files of roles that the proof lists for the project, except for those that the asker has. */
  readonly files: readonly Uint8Array[];
}

/** A role that can answer for the project, in the order in which delegations lead there. */
export interface LookedUpRole extends RoleEntry {
  readonly bytes: Uint8Array;
}

const FORMAT = 1;
/** Tops and bins of four trees at seven depths, and more roles of one project than anyone has. */
const MAX_FILES = 256;
/** The most bytes that an answer can have. */
export const MAX_LOOKUP_BYTES = 64 << 20;

/** Roles that the proof of a bin lists and that can answer for this project: not those of other projects in the bin. */
export function rolesFor(project: ProjectName, listed: Iterable<RoleEntry>): readonly RoleEntry[] {
  const own = `project.${project}`;
  return [...listed].filter(({ role }) => !role.startsWith('project.') || role === own || role.startsWith(`${own}.`));
}

export function encodeLookup({ proof, files }: Lookup): Uint8Array {
  const parts = [proof, ...files];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 3));
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  view.setUint16(1, files.length);
  let at = 3;
  for (const part of parts) {
    view.setUint32(at, part.length);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

/** @throws ProofError for what is no answer; what it says is not verified yet */
export function decodeLookup(bytes: Uint8Array): Lookup {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 3 || bytes.length > MAX_LOOKUP_BYTES || bytes[0] !== FORMAT)
    throw new ProofError('the answer is in an unknown format');
  const count = view.getUint16(1);
  if (count > MAX_FILES) throw new ProofError('the answer holds too many roles');
  const parts: Uint8Array[] = [];
  let at = 3;
  for (let index = 0; index <= count; index++) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new ProofError('the answer ends too early');
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [proof, ...files] = parts;
  if (proof === undefined || at !== bytes.length) throw new ProofError('something follows the answer');
  return { proof, files };
}

/**
 * Every role that can answer for the project in the snapshot with this root hash, complete, each with the very bytes that the
 * snapshot lists. Signatures are another matter: the roles still have to be verified by those who delegate to them.
 * @param rootHash lower-case hex, from a verified timestamp
 * @param held files that the asker has, by lower-case hex SHA-256
 * @throws ProofError when the answer omits, swaps or repeats a role, or the proof does not hold
 */
export function verifyLookup(
  rootHash: string,
  project: ProjectName,
  { proof, files }: Lookup,
  held: ReadonlyMap<string, Uint8Array> = new Map(),
): readonly LookedUpRole[] {
  const given = new Map<string, Uint8Array>();
  for (const bytes of files) {
    const digest = toHex(sha256(bytes));
    if (given.has(digest)) throw new ProofError('the answer holds a role twice');
    given.set(digest, bytes);
  }
  // Two roles may have the same file, such as two that are empty; it is sent once.
  const used = new Set<string>();
  const roles = rolesFor(project, verifyProof(rootHash, projectBin(project), proof).values()).map((entry) => {
    const bytes = given.get(entry.sha256) ?? held.get(entry.sha256);
    if (bytes?.length !== entry.length) throw new ProofError(`the answer lacks the role ${entry.role}`);
    used.add(entry.sha256);
    return { ...entry, bytes };
  });
  if ([...given.keys()].some((digest) => !used.has(digest)))
    throw new ProofError('the answer holds something that the snapshot does not list');
  return roles;
}
