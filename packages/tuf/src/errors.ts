import type { MappingOutcome } from './multi-repository/statement.ts';

/** Every error of this package. `code` is stable; the fields carry the facts; the sentence for a person is made from them. */
export abstract class TufError extends Error {
  /** Says which error this is, in capitals; the same in every release. Compare this, not the message. */
  abstract readonly code: string;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** Bytes that are not what the specification calls metadata (§4), or not strict JSON. */
export class FormatError extends TufError {
  readonly code = 'FORMAT';
  /** Where in the document: `signed.expires`, `byte 17`, … */
  readonly where: string;
  /** What is wrong there, for people. */
  readonly problem: string;
  /** Which role the bytes were to be, where that is known. */
  readonly role: string | undefined;

  constructor(where: string, problem: string, cause?: unknown, role?: string) {
    super(`${where}: ${problem}`, cause);
    this.where = where;
    this.problem = problem;
    this.role = role;
  }
}

/** Fewer valid signatures, counted by key material, than the role's threshold. */
export class UnsignedMetadataError extends TufError {
  readonly code = 'UNSIGNED';
  /** The role that the metadata was offered for. */
  readonly role: string;
  /** How many different keys have to sign. */
  readonly threshold: number;
  /** How many did. */
  readonly valid: number;
  /** Why a listed key did not count, by keyid. */
  readonly problems: ReadonlyMap<string, string>;

  constructor(role: string, threshold: number, valid: number, problems: ReadonlyMap<string, string>) {
    super(`${role} has ${valid} valid signature${valid === 1 ? '' : 's'}, but needs ${threshold}`);
    this.role = role;
    this.threshold = threshold;
    this.valid = valid;
    this.problems = problems;
  }
}

/** Older than what was trusted before (§5.3.5, §5.4.3, §5.5.5). */
export class RollbackError extends TufError {
  readonly code = 'ROLLBACK';
  /** The role on offer; one that the snapshot lists may be meant. */
  readonly role: string;
  /** The version that was trusted before. */
  readonly trusted: number;
  /** The version on offer; `undefined` when the role disappeared from the snapshot. */
  readonly offered: number | undefined;

  constructor(role: string, trusted: number, offered: number | undefined) {
    super(
      offered === undefined
        ? `${role} was at version ${trusted} and is no longer listed`
        : `${role} version ${offered} is older than the trusted version ${trusted}`,
    );
    this.role = role;
    this.trusted = trusted;
    this.offered = offered;
  }
}

/** Past its expiry at the fixed reference time (§5.3.10, §5.4.4, §5.5.6, §5.6.5). */
export class ExpiredError extends TufError {
  readonly code = 'EXPIRED';
  /** Whose metadata it is. */
  readonly role: string;
  /** From then on it is not to be trusted. */
  readonly expires: Date;
  /** The reference time of the refresh. */
  readonly now: Date;

  constructor(role: string, expires: Date, now: Date) {
    super(`${role} expired at ${expires.toISOString()}; it is ${now.toISOString()}`);
    this.role = role;
    this.expires = expires;
    this.now = now;
  }
}

/** A version that is not the one that was announced (§5.3.5, §5.5.4, §5.6.4): mix-and-match. */
export class MismatchError extends TufError {
  readonly code = 'MISMATCH';
  /** Whose metadata it is. */
  readonly role: string;
  /** The version announced. */
  readonly expected: number;
  /** The version in the metadata. */
  readonly actual: number;

  constructor(role: string, expected: number, actual: number) {
    super(`${role} should be version ${expected}, but is version ${actual}`);
    this.role = role;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A role that is delegated to, but that the snapshot does not list. */
export class MissingMetadataError extends TufError {
  readonly code = 'MISSING';
  /** The role that is not listed. */
  readonly role: string;

  constructor(role: string) {
    super(`${role} is delegated to, but the snapshot does not list it`);
    this.role = role;
  }
}

/** Longer than allowed, or not as long as announced. Lengths in bytes; `actual` is undefined when reading stopped at the limit. */
export class LengthMismatchError extends TufError {
  readonly code = 'LENGTH';
  /** A role, the path of a target, or that of a file of the repository. */
  readonly subject: string;
  /** Bytes announced or allowed. */
  readonly expected: number;
  /** Bytes there are. */
  readonly actual: number | undefined;

  constructor(subject: string, expected: number, actual: number | undefined) {
    super(
      actual === undefined
        ? `${subject} is longer than the ${expected} bytes allowed`
        : `${subject} has ${actual} bytes, not the ${expected} bytes announced`,
    );
    this.subject = subject;
    this.expected = expected;
    this.actual = actual;
  }
}

/** Content that does not have the announced hash, or for which no known algorithm is announced. */
export class HashMismatchError extends TufError {
  readonly code = 'HASH';
  /** A role, or the path of a target. */
  readonly subject: string;
  /** `sha256`, … or `undefined` when none of the listed algorithms is known here. */
  readonly algorithm: string | undefined;
  /** Hex, as announced. */
  readonly expected: string | undefined;
  /** Hex, of the content. */
  readonly actual: string | undefined;

  constructor(subject: string, algorithm?: string, expected?: string, actual?: string) {
    super(
      algorithm === undefined
        ? `${subject} is announced without a hash that can be checked`
        : `${subject} does not have the announced ${algorithm}`,
    );
    this.subject = subject;
    this.algorithm = algorithm;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The repository answered, and does not have the file (HTTP 403, 404, 410). */
export class NotFoundError extends TufError {
  readonly code = 'NOT_FOUND';
  /** As it was asked for, below the address of the repository. */
  readonly path: string;

  constructor(path: string, cause?: unknown) {
    super(`the repository does not have ${path}`, cause);
    this.path = path;
  }
}

/** The repository could not be reached or did not answer properly. */
export class NetworkError extends TufError {
  readonly code = 'NETWORK';
  /** As it was asked for, below the address of the repository. */
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`${path} could not be fetched: ${problem}`, cause);
    this.path = path;
  }
}

/** A key that cannot be used: unknown scheme, damaged, too short. */
export class KeyError extends TufError {
  readonly code = 'KEY';
  /** Of the key, or empty when it has none yet. */
  readonly keyid: string;

  constructor(keyid: string, problem: string, cause?: unknown) {
    super(`key ${keyid === '' ? '' : `${keyid} `}cannot be used: ${problem}`, cause);
    this.keyid = keyid;
  }
}

/** A key file that is damaged, or a passphrase that does not open it. */
export class KeyFileError extends TufError {
  readonly code = 'KEY_FILE';
  /** The key file. */
  readonly path: string;
  /** What to do about it differs. */
  readonly problem: 'passphrase-missing' | 'passphrase-wrong' | 'damaged';

  constructor(path: string, problem: 'passphrase-missing' | 'passphrase-wrong' | 'damaged', cause?: unknown) {
    const sentence = {
      'passphrase-missing': 'is encrypted and needs its passphrase',
      'passphrase-wrong': 'was not opened: the passphrase is wrong or the file was changed',
      damaged: 'is not a key file that can be read',
    }[problem];
    super(`${path} ${sentence}`, cause);
    this.path = path;
    this.problem = problem;
  }
}

/** Why a holder of a key did not sign; the sentence for each stands in {@link SignerError}. */
export type SignerProblem =
  | 'unreachable'
  | 'timeout'
  | 'no-such-key'
  | 'refused'
  | 'pin-wrong'
  | 'pin-locked'
  | 'unsupported'
  | 'invalid-answer'
  | 'invalid-signature';

/** An agent, a token or a service that holds a key did not sign, or not what a client would accept. */
export class SignerError extends TufError {
  readonly code = 'SIGNER';
  /** Who holds the key: `the SSH agent at /run/agent`, … */
  readonly holder: string;
  /** What went wrong, for a program. */
  readonly problem: SignerProblem;

  constructor(holder: string, problem: SignerProblem, detail: string, cause?: unknown) {
    const sentence = {
      unreachable: 'cannot be reached',
      timeout: 'did not answer in time',
      'no-such-key': 'does not have the key',
      refused: 'refused to sign',
      'pin-wrong': 'says that the PIN is wrong',
      'pin-locked': 'locked the PIN after too many wrong ones',
      unsupported: 'cannot sign this',
      'invalid-answer': 'gave an answer that cannot be read',
      'invalid-signature': 'made a signature that does not verify',
    }[problem];
    super(`${holder} ${sentence}${detail === '' ? '' : `: ${detail}`}`, cause);
    this.holder = holder;
    this.problem = problem;
  }
}

/** Another process held the lock for longer than the caller would wait. */
export class LockTimeoutError extends TufError {
  readonly code = 'LOCK_TIMEOUT';
  /** The lock file. */
  readonly path: string;

  constructor(path: string, timeoutMs: number) {
    super(`${path} was locked by another process for more than ${timeoutMs} ms`);
    this.path = path;
  }
}

/** Other processes kept storing newer metadata in the same store while this one was refreshing. */
export class SupersededError extends TufError {
  readonly code = 'SUPERSEDED';
  /** Whose metadata is newer in the store. */
  readonly role: string;

  constructor(role: string) {
    super(`another process stored a newer ${role} meanwhile`);
    this.role = role;
  }
}

/** More roles, or more rotations of a role's keys, than are followed: the answer could not be complete. */
export class LimitError extends TufError {
  readonly code = 'LIMIT';
  /** How many are allowed. */
  readonly limit: number;

  constructor(what: string, limit: number, unit: 'roles' | 'rotations' = 'roles') {
    super(`${what} needs more than ${limit} ${unit}`);
    this.limit = limit;
  }
}

/** The clock is earlier than it was at a refresh that succeeded: expiry would mean nothing. */
export class ClockError extends TufError {
  readonly code = 'CLOCK';
  /** What the clock shows. */
  readonly now: Date;
  /** What it showed at a refresh before. */
  readonly latest: Date;

  constructor(now: Date, latest: Date) {
    super(`the clock says ${now.toISOString()}, but said ${latest.toISOString()} at an earlier refresh`);
    this.now = now;
    this.latest = latest;
  }
}

/** No mapping of the map file is for this target path (TAP 4). */
export class UnmappedTargetError extends TufError {
  readonly code = 'UNMAPPED';
  /** The target path. */
  readonly path: string;

  constructor(path: string) {
    super(`no mapping says which repositories may answer for ${path}`);
    this.path = path;
  }
}

/** Not enough repositories agree on a target (TAP 4). The cause is the failure of the first repository that failed. */
export class ConsensusError extends TufError {
  readonly code = 'CONSENSUS';
  /** The target path. */
  readonly path: string;
  /** Who said what, for each mapping that was consulted. */
  readonly outcomes: readonly MappingOutcome[];

  constructor(path: string, outcomes: readonly MappingOutcome[]) {
    const statements = outcomes.flatMap((outcome) => outcome.statements);
    const failure = statements.find((statement) => statement.says === 'failed');
    const said = statements.map(({ repository, says }) => `${repository}: ${says}`);
    super(`too few repositories agree on ${path} (${said.join(', ')})`, failure?.error);
    this.path = path;
    this.outcomes = outcomes;
  }
}

/** What a role still needs before it may be published; root needs two thresholds, its old and its new one (§5.3.4). */
export interface MissingSignatures {
  /** The role that has to be signed. */
  readonly role: string;
  /** How many different keys have to sign. */
  readonly threshold: number;
  /** How many did. */
  readonly valid: number;
  /** Keys of the role that have not signed, or not validly. */
  readonly keyids: readonly string[];
}

/** Nothing was published: holders of keys that are not here have to sign first. */
export class MissingSignaturesError extends TufError {
  readonly code = 'SIGNATURES_MISSING';
  /** One entry for each role and each of its thresholds that is not reached. */
  readonly missing: readonly MissingSignatures[];
  /** The whole change, signed as far as it went: for `Proposal.parse`. */
  readonly proposal: Uint8Array;

  constructor(missing: readonly MissingSignatures[], proposal: Uint8Array) {
    const sentences = missing.map(
      ({ role, threshold, valid, keyids }) => `${role} needs ${threshold - valid} more, by ${keyids.join(' or ')}`,
    );
    super(`signatures are missing: ${sentences.join('; ')}`);
    this.missing = missing;
    this.proposal = proposal;
  }
}

/** A proposal for a role of which another version was published meanwhile. */
export class OutdatedProposalError extends TufError {
  readonly code = 'OUTDATED_PROPOSAL';
  /** The role that was proposed. */
  readonly role: string;
  /** The version that the proposal follows; 0 for none. */
  readonly expected: number;
  /** The version that is published. */
  readonly current: number;

  constructor(role: string, expected: number, current: number) {
    super(`${role} is proposed to follow version ${expected}, but is at version ${current} by now`);
    this.role = role;
    this.expected = expected;
    this.current = current;
  }
}

/** The storage holds other bytes where an immutable file is to go: a version is never used twice. */
export class VersionTakenError extends TufError {
  readonly code = 'VERSION_TAKEN';
  /** In the storage. */
  readonly path: string;

  constructor(path: string) {
    super(`${path} is there already, with other content`);
    this.path = path;
  }
}

/** A role, or a target path, that the role at hand does not delegate. */
export class NotDelegatedError extends TufError {
  readonly code = 'NOT_DELEGATED';
  /** The role that was to say something. */
  readonly role: string;
  /** The target path, or the delegated role, that it has no say about. */
  readonly subject: string;

  constructor(role: string, subject: string) {
    super(`${subject} is not delegated to ${role}`);
    this.role = role;
    this.subject = subject;
  }
}

/** A repository is to be made where one is. */
export class RepositoryExistsError extends TufError {
  readonly code = 'REPOSITORY_EXISTS';

  constructor() {
    super('the storage holds a repository already');
  }
}

/** A threshold of the role's own keys has revoked it (TAP 20): nothing that it signs is believed any more. */
export class RoleRevokedError extends TufError {
  readonly code = 'REVOKED';
  /** The role that its own keys revoked. */
  readonly role: string;
  /** Of the rotate file that revokes. */
  readonly version: number;

  constructor(role: string, version: number) {
    super(`${role} was revoked by its own keys`);
    this.role = role;
    this.version = version;
  }
}

/** Another rotate file in place of one that was believed before; only a revocation may take its place (TAP 8). */
export class ReplacedRotationError extends TufError {
  readonly code = 'ROTATION_REPLACED';
  /** Whose rotate file it is. */
  readonly role: string;
  /** Of the rotate file. */
  readonly version: number;

  constructor(role: string, version: number) {
    super(`rotation ${version} of the keys of ${role} is not the one that was seen before`);
    this.role = role;
    this.version = version;
  }
}
