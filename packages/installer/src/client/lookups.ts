import { hash } from 'node:crypto';
import { asProjectName, type ProjectName } from '@holdfast/python-index';
import {
  BIN_DIGITS,
  binRoleName,
  decodeLookup,
  lookupPath,
  MAX_LABELS,
  MAX_LOOKUP_BYTES,
  parseProjectRole,
  projectBin,
  ProofError,
  type RoleEntry,
  rolesFor,
  snapshotTreeRoot,
  TOPS,
  verifyLookup,
  verifyProof,
} from '@holdfast/trust';
import {
  DEFAULT_LIMITS,
  type MetaFile,
  NetworkError,
  NotFoundError,
  type ProofRequest,
  type ProvenPart,
  type SnapshotProofs,
} from '@holdfast/tuf';
import { AbsentError, MisbehavedError, UnreachableError } from '../errors.ts';
import { applyDelta } from '../fetch/apply-delta.ts';
import type { Mirror } from '../fetch/mirror.ts';
import type { Mirrors } from '../fetch/mirrors.ts';

/** How long a mirror that has no lookup is not asked for one again. */
const PLAIN_MS = 600_000;

/** Of each level of delegations: a search visits no more roles, whatever a role in the store names. */
const MAX_NAMES = DEFAULT_LIMITS.delegations;

/** "That snapshot is gone", where 404 says that there is no lookup at all: docs/formats/lookup.md. */
const GONE = 410;

/** The snapshot tree as the client proves it: one lookup for each project (docs/formats/lookup.md, docs/formats/snapshot-tree.md). */
export class Lookups implements SnapshotProofs {
  readonly #mirrors: Mirrors;
  readonly #plainSince = new Map<Mirror, number>();

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors;
  }

  readonly rootOf = snapshotTreeRoot;

  /** The project, for any path in its directory. */
  subjectOf(path: string): ProjectName | undefined {
    const [bin, name = ''] = path.split('/');
    const project = asProjectName(name);
    return project !== undefined && projectBin(project) === bin ? project : undefined;
  }

  /**
   * From the first mirror that answers rightly. Who answers wrongly is shunned.
   * @throws NotFoundError, NetworkError, MisbehavedError
   */
  async request(root: string, subject: string, { stored, signal }: ProofRequest): Promise<ProvenPart | undefined> {
    const project = subject as ProjectName;
    const held = await heldRoles(project, stored);
    const absent = new Set<'plain' | 'gone'>();
    const ask = async (mirror: Mirror): Promise<ProvenPart> => {
      if (performance.now() - (this.#plainSince.get(mirror) ?? Number.NEGATIVE_INFINITY) < PLAIN_MS) {
        absent.add('plain');
        throw new AbsentError(mirror.url, 404);
      }
      try {
        return await answerOf(mirror, root, project, held, signal);
      } catch (error) {
        if (error instanceof AbsentError) absent.add(error.status === GONE ? 'gone' : 'plain');
        if (error instanceof AbsentError && error.status !== GONE) this.#plainSince.set(mirror, performance.now());
        throw error;
      }
    };
    try {
      return await this.#mirrors.first(ask, { signal });
    } catch (error) {
      if (absent.has('gone')) throw new NotFoundError(lookupPath(root, project), error);
      if (absent.has('plain')) return undefined;
      if (error instanceof UnreachableError) throw new NetworkError(lookupPath(root, project), error.reason, error);
      throw error;
    }
  }

  verify(root: string, subject: string, proof: Uint8Array): ReadonlyMap<string, MetaFile> | undefined {
    const project = subject as ProjectName;
    try {
      return metaOf(rolesFor(project, verifyProof(root, projectBin(project), proof).values()));
    } catch (error) {
      if (error instanceof ProofError) return undefined;
      throw error;
    }
  }
}

/** @throws AbsentError, UnreachableError, MisbehavedError */
async function answerOf(
  mirror: Mirror,
  root: string,
  project: ProjectName,
  held: ReadonlyMap<string, Uint8Array>,
  signal: AbortSignal,
): Promise<ProvenPart> {
  const path = lookupPath(root, project, { have: held.keys(), zstd: true });
  const bytes = await mirror.read(path, { maxLength: MAX_LOOKUP_BYTES, signal });
  try {
    const lookup = decodeLookup(bytes);
    const roles = verifyLookup(root, project, lookup, held, applyDelta);
    return {
      meta: metaOf(roles),
      proof: lookup.proof,
      roles: new Map(roles.map(({ role, bytes: file }) => [role, file])),
    };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    // Eight digits of a hash may fit a file that is not here.
    if (held.size > 0) return answerOf(mirror, root, project, new Map(), signal);
    throw new MisbehavedError(`${mirror.url}${path}`, error.reason, { cause: error });
  }
}

/** Roles of the store that may be on the way to a project, of whatever version, by the hex SHA-256 of their bytes. */
async function heldRoles(
  project: ProjectName,
  stored: ProofRequest['stored'],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const bin = projectBin(project);
  const prefixes = Array.from({ length: BIN_DIGITS + 1 }, (_, digits) => bin.slice(0, digits));
  const bins = TOPS.flatMap((top) => prefixes.map((prefix) => binRoleName(top, prefix)));
  const held = new Map<string, Uint8Array>();
  let names: readonly string[] = ['targets', ...bins];
  for (let depth = 0; names.length > 0 && depth <= 1 + MAX_LABELS; depth++) {
    const found = (await Promise.all(names.map(stored))).filter((bytes) => bytes !== undefined);
    for (const bytes of found) held.set(hash('sha256', bytes, 'hex'), bytes);
    names = delegatedIn(project, found);
  }
  return held;
}

/** The roles of the project that roles delegate to: read out of their text, since that may be of some megabytes. */
function delegatedIn(project: ProjectName, roles: readonly Uint8Array[]): readonly string[] {
  const names = new Set<string>();
  for (const role of roles) {
    const text = Buffer.from(role).toString('latin1');
    for (const [, name = ''] of text.matchAll(/"name":"(project\.[a-z0-9.-]+)"/g)) {
      if (names.size === MAX_NAMES) return [...names];
      if (parseProjectRole(name)?.project === project) names.add(name);
    }
  }
  return [...names];
}

function metaOf(roles: readonly RoleEntry[]): ReadonlyMap<string, MetaFile> {
  return new Map(
    roles.map(({ role, version, length, sha256 }) => [
      `${role}.json`,
      { version, length, hashes: new Map([['sha256', sha256]]) },
    ]),
  );
}
