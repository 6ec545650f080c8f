/** Every error that this package throws by itself. `code` is stable; the sentence for a person is made in messages.ts. */
export type InstallerErrorCode =
  | 'UNREACHABLE'
  | 'ABSENT'
  | 'MISBEHAVED'
  | 'WRONG_CONTENT'
  | 'MIRRORS_FAILED'
  | 'OFFLINE_MISSING'
  | 'NOT_VOUCHED'
  | 'CLOCK_BEHIND'
  | 'HOST_NOT_TRUSTED'
  | 'NO_TRUST'
  | 'AMBIGUOUS_INDEX'
  | 'TRUST_EXISTS'
  | 'ROOT_MISMATCH'
  | 'INVALID_INPUT'
  | 'TOOL_MISSING'
  | 'UNSAFE_SETTING';

export class InstallerError extends Error {
  readonly code: InstallerErrorCode;

  constructor(code: InstallerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Nothing usable came: no connection, a timeout, too slow, a broken body, a 5xx. Another try or mirror may do better. */
export class UnreachableError extends InstallerError {
  /** Without credentials. */
  readonly url: string;
  readonly reason: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super('UNREACHABLE', `${url}: ${reason}`, options);
    this.url = url;
    this.reason = reason;
  }
}

/** It comes, but slower than any honest server would send it (P20). The same mirror is not asked again for it. */
export class TooSlowError extends UnreachableError {}

/** The server says that it has no such thing: 403, 404 or 410. */
export class AbsentError extends InstallerError {
  readonly url: string;
  readonly status: number;

  constructor(url: string, status: number) {
    super('ABSENT', `${url}: HTTP ${status}`);
    this.url = url;
    this.status = status;
  }
}

/** The server answers what no honest server would: too much, in a wrong encoding, or by sending us to another host. */
export class MisbehavedError extends InstallerError {
  readonly url: string;
  readonly reason: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super('MISBEHAVED', `${url}: ${reason}`, options);
    this.url = url;
    this.reason = reason;
  }
}

/** Downloaded or local bytes are not the ones that signed metadata names. */
export class WrongContentError extends InstallerError {
  readonly subject: string;
  readonly what: 'length' | 'sha256';
  readonly expected: string;
  readonly actual: string;

  constructor(subject: string, what: 'length' | 'sha256', expected: string, actual: string) {
    super('WRONG_CONTENT', `${subject}: ${what} is ${actual}, signed metadata says ${expected}`);
    this.subject = subject;
    this.what = what;
    this.expected = expected;
    this.actual = actual;
  }
}

/** What was wrong with one mirror. */
export interface MirrorProblem {
  /** Without credentials. */
  readonly mirror: string;
  readonly error: unknown;
}

/** Every mirror of an index failed, not all of them by being unreachable. `cause` is the most telling error. */
export class MirrorsFailedError extends InstallerError {
  readonly subject: string;
  readonly problems: readonly MirrorProblem[];

  constructor(subject: string, problems: readonly MirrorProblem[], cause: unknown) {
    super('MIRRORS_FAILED', `${subject}: no mirror of ${problems.length} answered acceptably`, { cause });
    this.subject = subject;
    this.problems = problems;
  }
}

/** No mirror can be reached and the local store does not hold what was asked for. */
export class OfflineMissingError extends InstallerError {
  readonly subject: string;
  readonly problems: readonly MirrorProblem[];

  constructor(subject: string, problems: readonly MirrorProblem[], cause: unknown) {
    super('OFFLINE_MISSING', `${subject}: not in the local store, and no mirror can be reached`, { cause });
    this.subject = subject;
    this.problems = problems;
  }
}

/** Verified metadata does not list this file, or lists it with another hash. */
export class NotVouchedError extends InstallerError {
  readonly index: string;
  readonly subject: string;
  readonly reason: string;

  constructor(index: string, subject: string, reason: string) {
    super('NOT_VOUCHED', `${subject}: ${reason} (index ${index})`);
    this.index = index;
    this.subject = subject;
    this.reason = reason;
  }
}

/** Signed metadata tells of something that, by this computer's clock, has not happened yet: then expired metadata would pass as well. */
export class ClockBehindError extends InstallerError {
  readonly index: string;
  /** The file that the index took in later than now. */
  readonly filename: string;
  readonly now: Date;
  /** When the file was uploaded, as was signed. */
  readonly uploaded: Date;

  constructor(index: string, filename: string, now: Date, uploaded: Date) {
    super('CLOCK_BEHIND', `${filename} was uploaded at ${uploaded.toISOString()}, and it is ${now.toISOString()} here`);
    this.index = index;
    this.filename = filename;
    this.now = now;
    this.uploaded = uploaded;
  }
}

/** A program behind the proxy asked for a host that no trusted index covers. */
export class HostNotTrustedError extends InstallerError {
  readonly host: string;
  /** Set when it is the host of this trusted index, asked for in a way that the proxy cannot look into (https). */
  readonly index: string | undefined;

  constructor(host: string, index?: string) {
    super('HOST_NOT_TRUSTED', `${host} is not reachable through the verifying proxy`);
    this.host = host;
    this.index = index;
  }
}

/** No index is trusted under this name, or none at all. */
export class NoTrustError extends InstallerError {
  readonly index: string | undefined;

  constructor(index?: string) {
    super('NO_TRUST', index === undefined ? 'no index is trusted yet' : `no index is trusted under the name ${index}`);
    this.index = index;
  }
}

/** Several indexes are trusted and none was named. */
export class AmbiguousIndexError extends InstallerError {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super('AMBIGUOUS_INDEX', `several indexes are trusted: ${names.join(', ')}`);
    this.names = names;
  }
}

/** The name already stands for a trusted index. */
export class TrustExistsError extends InstallerError {
  readonly index: string;

  constructor(index: string) {
    super('TRUST_EXISTS', `an index named ${index} is trusted already`);
    this.index = index;
  }
}

/** No root of the index has the fingerprint that the user was given. */
export class RootMismatchError extends InstallerError {
  readonly expected: string;
  readonly seen: readonly string[];

  constructor(expected: string, seen: readonly string[]) {
    super('ROOT_MISMATCH', `no root with SHA-256 ${expected} among ${seen.length} looked at`);
    this.expected = expected;
    this.seen = seen;
  }
}

/** What the caller gave cannot be used: a name, an address, a fingerprint. */
export class InvalidInputError extends InstallerError {
  readonly what: string;
  readonly value: string;

  constructor(what: string, value: string, why: string) {
    super('INVALID_INPUT', `${what} ${JSON.stringify(value)}: ${why}`);
    this.what = what;
    this.value = value;
  }
}

/** The program to run is not installed. */
export class ToolMissingError extends InstallerError {
  readonly tool: string;

  constructor(tool: string, options?: ErrorOptions) {
    super('TOOL_MISSING', `${tool} was not found`, options);
    this.tool = tool;
  }
}

/** An option or a setting would send the tool around the verifying proxy, so it is not started at all. */
export class UnsafeSettingError extends InstallerError {
  readonly setting: string;
  readonly where: string;

  constructor(setting: string, where: string) {
    super('UNSAFE_SETTING', `${setting} (${where}) would bypass verification`);
    this.setting = setting;
    this.where = where;
  }
}
