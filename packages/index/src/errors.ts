/**
 * Every way in which the index says no: one class for each thing that a caller handles differently, with a stable
 * `code` and the facts as fields. Sentences for people are made at the edge, from the code and the fields.
 */
export abstract class IndexError extends Error {
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The name was published before with other bytes, or was deleted: names are unique for ever. Or it waits with other bytes. */
export class FilenameTakenError extends IndexError {
  readonly code = 'FILENAME_TAKEN';
  readonly filename: string;
  /** The project in which it waits: there it can be discarded. */
  readonly stagedIn: string | undefined;
  constructor(filename: string, stagedIn?: string) {
    super(`${filename} exists with different content, or existed and was deleted`);
    this.filename = filename;
    this.stagedIn = stagedIn;
  }
}

/** What its developers alone can change: they sign for the project. Or what operators sign offline. */
export class ClaimedProjectError extends IndexError {
  readonly code = 'CLAIMED_PROJECT';
  readonly project: string;
  readonly standing: 'claimed' | 'rarely-updated';
  constructor(project: string, standing: 'claimed' | 'rarely-updated') {
    super(`the index does not sign for ${project}, which is ${standing}`);
    this.project = project;
    this.standing = standing;
  }
}

/** The file would make the files of the project larger in total than the index allows. */
export class ProjectFullError extends IndexError {
  readonly code = 'PROJECT_FULL';
  readonly project: string;
  /** Bytes. */
  readonly limit: number;
  constructor(project: string, limit: number) {
    super(`the files of ${project} would take more than ${limit} bytes`);
    this.project = project;
    this.limit = limit;
  }
}

/** The account may not publish for this project, or the token was made for another one. */
export class NotYourProjectError extends IndexError {
  readonly code = 'NOT_YOUR_PROJECT';
  readonly project: string;
  readonly account: string;
  constructor(project: string, account: string) {
    super(`${account} is not a member of ${project}`);
    this.project = project;
    this.account = account;
  }
}

/** The account holds a key that signs for other files of the project. */
export class OutsideDelegationError extends IndexError {
  readonly code = 'OUTSIDE_DELEGATION';
  readonly filename: string;
  constructor(filename: string, account: string) {
    super(`no key of ${account} may sign for ${filename}`);
    this.filename = filename;
  }
}

/** The project has no such published file. */
export class FileUnknownError extends IndexError {
  readonly code = 'FILE_UNKNOWN';
  readonly project: string;
  readonly filename: string;
  constructor(project: string, filename: string) {
    super(`${project} has no file ${filename}`);
    this.project = project;
    this.filename = filename;
  }
}

/** Something of the project moved since its transaction was checked, such as another one that came first. */
export class VersionTakenError extends IndexError {
  readonly code = 'VERSION_TAKEN';
  readonly project: string;
  constructor(project: string, what: string) {
    super(`${project} changed in the meantime: ${what}`);
    this.project = project;
  }
}

/** There is no such account. */
export class AccountUnknownError extends IndexError {
  readonly code = 'ACCOUNT_UNKNOWN';
  readonly account: string;
  constructor(account: string) {
    super(`there is no account ${account}`);
    this.account = account;
  }
}

/** The account exists already. */
export class AccountExistsError extends IndexError {
  readonly code = 'ACCOUNT_EXISTS';
  readonly account: string;
  constructor(account: string) {
    super(`the account ${account} exists`);
    this.account = account;
  }
}

/** The account name has characters or a length that are not allowed. */
export class InvalidAccountError extends IndexError {
  readonly code = 'INVALID_ACCOUNT';
  readonly account: string;
  constructor(account: string) {
    super(`${JSON.stringify(account)} is not an account name: 1 to 64 of a-z, 0-9, "-", "_", "."`);
    this.account = account;
  }
}

/** There is no such project. */
export class ProjectUnknownError extends IndexError {
  readonly code = 'PROJECT_UNKNOWN';
  readonly project: string;
  constructor(project: string) {
    super(`there is no project ${project}`);
    this.project = project;
  }
}

/** No space, or no quota, is left where objects or records are kept. */
export class StorageFullError extends IndexError {
  readonly code = 'STORAGE_FULL';
  constructor(options?: ErrorOptions) {
    super('no space is left for the index', options);
  }
}

/** A key that no object can have. */
export class InvalidObjectKeyError extends IndexError {
  readonly code = 'INVALID_OBJECT_KEY';
  readonly key: string;
  constructor(key: string) {
    super(`${JSON.stringify(key.slice(0, 200))} is not an object key`);
    this.key = key;
  }
}

/** The object is larger than the caller reads. */
export class ObjectTooLargeError extends IndexError {
  readonly code = 'OBJECT_TOO_LARGE';
  readonly key: string;
  readonly size: number;
  constructor(key: string, size: number) {
    super(`object ${key} has ${size} bytes, more than the reader takes`);
    this.key = key;
    this.size = size;
  }
}

/** Text that was to say where records or objects are, and does not. It is not repeated: it may hold a secret. */
export class InvalidLocationError extends IndexError {
  readonly code = 'INVALID_LOCATION';
}

/** The object store did not do what it was asked, after all attempts. */
export class ObjectStoreError extends IndexError {
  readonly code = 'OBJECT_STORE';
  /** Of the object, or what was to be listed. */
  readonly key: string;
  /** The service's own name of the failure, such as `AccessDenied`, or Node's code of a broken connection. */
  readonly reason: string;
  /** HTTP status; none when no answer came. */
  readonly status: number | undefined;
  constructor(key: string, reason: string, status: number | undefined, options?: ErrorOptions) {
    super(`object ${key}: the store failed with ${reason}`, options);
    this.key = key;
    this.reason = reason;
    this.status = status;
  }
}

/** The object store would lose or replace what must stay. */
export class UnsafeObjectStoreError extends IndexError {
  readonly code = 'UNSAFE_OBJECT_STORE';
  constructor(reason: string, options?: ErrorOptions) {
    super(`the object store cannot be used: ${reason}`, options);
  }
}

/**
 * Signing or storing metadata failed for now. The change is recorded and will be published when the cause is gone; it
 * was not acknowledged, so asking again is right and safe.
 */
export class PublishDelayedError extends IndexError {
  readonly code = 'PUBLISH_DELAYED';
  constructor(options?: ErrorOptions) {
    super('the change is recorded but could not be signed and stored yet', options);
  }
}

/** The index is closing or closed. */
export class IndexClosedError extends IndexError {
  readonly code = 'INDEX_CLOSED';
  constructor(options?: ErrorOptions) {
    super('the index is closed', options);
  }
}

/** Another process has the index open for publishing. */
export class IndexInUseError extends IndexError {
  readonly code = 'INDEX_IN_USE';
  readonly directory: string;
  constructor(directory: string, options?: ErrorOptions) {
    super(`another process serves the index in ${directory}`, options);
    this.directory = directory;
  }
}

/** The directory holds an index already, or something else. */
export class IndexExistsError extends IndexError {
  readonly code = 'INDEX_EXISTS';
  readonly directory: string;
  constructor(directory: string) {
    super(`${directory} is not empty`);
    this.directory = directory;
  }
}

/** The directory holds no index, or one that was not made completely. */
export class NoIndexError extends IndexError {
  readonly code = 'NO_INDEX';
  readonly directory: string;
  constructor(directory: string, options?: ErrorOptions) {
    super(`${directory} holds no index`, options);
    this.directory = directory;
  }
}

/** The directory holds the online key of an index to be, which its key ceremony has not completed. */
export class RequestedIndexError extends IndexError {
  readonly code = 'INDEX_REQUESTED';
  readonly directory: string;
  constructor(directory: string, options?: ErrorOptions) {
    super(`${directory} has the online key of an index that its key ceremony has not completed yet`, options);
    this.directory = directory;
  }
}

/** Records or objects are damaged in a way that the index cannot repair by itself. */
export class DamagedIndexError extends IndexError {
  readonly code = 'DAMAGED_INDEX';
  /** What is damaged: `records`, or an object key. */
  readonly what: string;
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(`${what}: ${reason}`, options);
    this.what = what;
  }
}

/** A query failed for a reason that is nobody's input: busy, read-only, I/O. */
export class RecordsError extends IndexError {
  readonly code = 'RECORDS';
  /** The database's own code, where it gave one: SQLite's number, or the five characters of SQLSTATE. */
  readonly errcode: number | string | undefined;
  constructor(message: string, errcode?: number | string, options?: ErrorOptions) {
    super(message, options);
    this.errcode = errcode;
  }
}

/** The SQLite in this runtime has a known way to damage its file. */
export class UnsafeSqliteError extends IndexError {
  readonly code = 'UNSAFE_SQLITE';
  readonly version: string;
  constructor(version: string) {
    super(`SQLite ${version} can damage its write-ahead log; 3.51.3 is the first that does not`);
    this.version = version;
  }
}

/** The PostgreSQL database could lose what it said was durable, or change what it is given. */
export class UnsafePostgresError extends IndexError {
  readonly code = 'UNSAFE_POSTGRES';
  constructor(reason: string) {
    super(`the PostgreSQL database cannot be used: ${reason}`);
  }
}

/** This process was the signer, and another one has taken that right over. */
export class SignerLostError extends IndexError {
  readonly code = 'SIGNER_LOST';
  constructor(options?: ErrorOptions) {
    super('another process signs for this index', options);
  }
}

/** Only the process that signs can do this, and it is another one, or nobody at the moment. */
export class StandingByError extends IndexError {
  readonly code = 'STANDING_BY';
  constructor() {
    super('this process does not sign for the index');
  }
}

/** Nobody else can sign for an index whose records, or objects, are in its own directory. */
export class NoOtherSignerError extends IndexError {
  readonly code = 'NO_OTHER_SIGNER';
  constructor() {
    super('records or objects are in the directory of this index: no other process can sign for it');
  }
}

/** Metadata brought to the index does not follow what it has: wrong version, missing signatures, other online keys. */
export class MetadataRefusedError extends IndexError {
  readonly code = 'METADATA_REFUSED';
  readonly role: string;
  readonly reason: string;
  constructor(role: string, reason: string, options?: ErrorOptions) {
    super(`${role} metadata refused: ${reason}`, options);
    this.role = role;
    this.reason = reason;
  }
}

/** What is known of the file cannot be written into signed metadata: publishing it would stop everyone else's. */
export class UnsignableFileError extends IndexError {
  readonly code = 'UNSIGNABLE_FILE';
  readonly filename: string;
  constructor(filename: string, options?: ErrorOptions) {
    super(`${filename} cannot be described in signed metadata`, options);
    this.filename = filename;
  }
}

/** None of the index's keys may sign a role that it has to sign. */
export class OnlineKeyError extends IndexError {
  readonly code = 'ONLINE_KEY';
  readonly role: string;
  constructor(role: string) {
    super(`the online keys of this index do not reach the threshold of ${role}`);
    this.role = role;
  }
}

/** A variable asks for traces, and the packages that send them are not installed. */
export class TracingUnavailableError extends IndexError {
  readonly code = 'TRACING_UNAVAILABLE';
  constructor(options?: ErrorOptions) {
    super('OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, and the packages of OpenTelemetry are not installed', options);
  }
}

/** A variable of OpenTelemetry asks for something that there is not. */
export class InvalidTracingError extends IndexError {
  readonly code = 'INVALID_TRACING';
  readonly variable: string;
  constructor(variable: string, given: string, possible: string) {
    super(`${variable} is ${JSON.stringify(given.slice(0, 100))}, and can be: ${possible}`);
    this.variable = variable;
  }
}

/** A recovery took these records out of use. */
export class RecordsRetiredError extends IndexError {
  readonly code = 'RECORDS_RETIRED';
  constructor() {
    super('a recovery took these records out of use: the index has others');
  }
}

/** The database of the index was open to a thief, so the recovered records need another. */
export class NewRecordsNeededError extends IndexError {
  readonly code = 'NEW_RECORDS_NEEDED';
  constructor() {
    super(
      'the records of this index are in PostgreSQL, and whoever had them may have left something behind in that database',
    );
  }
}

/** The directory holds no complete backup. */
export class NoBackupError extends IndexError {
  readonly code = 'NO_BACKUP';
  readonly directory: string;
  constructor(directory: string, options?: ErrorOptions) {
    super(`${directory} holds no complete backup of an index`, options);
    this.directory = directory;
  }
}

/** A file of the list of those that a recovery keeps is not what the list says. */
export class KeptFileError extends IndexError {
  readonly code = 'KEPT_FILE';
  readonly filename: string;
  constructor(filename: string, reason: string, options?: ErrorOptions) {
    super(`${filename} cannot be kept: ${reason}`, options);
    this.filename = filename;
  }
}

/** The backup may hold what a thief did. */
export class WrongBackupError extends IndexError {
  readonly code = 'WRONG_BACKUP';
  constructor(directory: string, version: number, since: number) {
    super(`${directory} was made of publication ${version}, and only what was published up to ${since} is believed`);
  }
}
