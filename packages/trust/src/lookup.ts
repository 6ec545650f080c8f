import { sha256 } from '#sha256';
import { type ProjectName } from '@holdfast/python-index';
import { ProofError } from './errors.ts';
import { toHex } from './hex.ts';
import { type ApplyDelta, decodeFile } from './lookup-coding.ts';
import type { Coded, Lookup } from './lookup-format.ts';
import { parseRotationRole } from './project-role.ts';
import type { RoleEntry } from './snapshot-tree/cell.ts';
import { verifyProof } from './snapshot-tree/proof.ts';
import { projectBin } from './target-path.ts';

/** A role that can answer for the project. Who delegates to whom is said by the roles themselves. */
export interface LookedUpRole extends RoleEntry {
  readonly bytes: Uint8Array;
}

/**
 * Roles that the proof of a bin lists and that can answer for this project, with their rotate files: not those of other projects in
 * the bin.
 */
export function rolesFor(project: ProjectName, listed: Iterable<RoleEntry>): readonly RoleEntry[] {
  const own = `project.${project}`;
  return [...listed].filter(({ role }) => {
    const signed = parseRotationRole(role)?.role ?? role;
    return !signed.startsWith('project.') || signed === own || signed.startsWith(`${own}.`);
  });
}

/**
 * Every role that can answer for the project in the snapshot with this root hash, complete, each with the very bytes that the
 * snapshot lists. Signatures are another matter: the roles still have to be verified by those who delegate to them.
 * @param rootHash lower-case hex, from a verified timestamp
 * @param held files that the asker has and named in `have`, by lower-case hex SHA-256
 * @param applyDelta for an asker that said that it reads zstd; only proven bytes ever leave here, whatever it returns
 * @throws ProofError when the answer omits, swaps or repeats a role, a coded file does not fit, or the proof does not hold
 */
export function verifyLookup(
  rootHash: string,
  project: ProjectName,
  { proof, files }: Lookup,
  held: ReadonlyMap<string, Uint8Array> = new Map(),
  applyDelta?: ApplyDelta,
): readonly LookedUpRole[] {
  const entries = rolesFor(project, verifyProof(rootHash, projectBin(project), proof).values());
  const lengths = new Map(entries.map(({ sha256, length }) => [sha256, length]));
  // The proof comes first: it bounds how much is decoded.
  if (files.length > lengths.size) throw new ProofError('the answer holds something that the snapshot does not list');
  const longest = Math.max(0, ...lengths.values());
  const given = new Map<string, Uint8Array>();
  for (const file of files) {
    const bytes = file.coded ? decoded(file.bytes, file.coded, [given, held], longest, applyDelta) : file.bytes;
    const digest = toHex(sha256(bytes));
    if (given.has(digest)) throw new ProofError('the answer holds a role twice');
    if (!lengths.has(digest)) throw new ProofError('the answer holds something that the snapshot does not list');
    given.set(digest, bytes);
  }
  return entries.map((entry) => {
    // Two roles may have the same file, such as two that are empty; it is sent once.
    const bytes = given.get(entry.sha256) ?? held.get(entry.sha256);
    if (bytes?.length !== entry.length) throw new ProofError(`the answer lacks the role ${entry.role}`);
    return { ...entry, bytes };
  });
}

function decoded(
  bytes: Uint8Array,
  { base }: Coded,
  known: readonly ReadonlyMap<string, Uint8Array>[],
  maxLength: number,
  applyDelta: ApplyDelta | undefined,
): Uint8Array {
  if (!applyDelta) throw new ProofError('the answer holds zstd, which the asker cannot read');
  const other = base === undefined ? new Uint8Array() : fileNamed(base, known);
  try {
    return decodeFile(bytes, other, maxLength, applyDelta);
  } catch (cause) {
    throw new ProofError('a coded role of the answer is damaged', { cause });
  }
}

function fileNamed(digits: string, known: readonly ReadonlyMap<string, Uint8Array>[]): Uint8Array {
  for (const files of known) for (const [digest, bytes] of files) if (digest.startsWith(digits)) return bytes;
  throw new ProofError('the answer needs a file that neither it nor the asker has');
}
