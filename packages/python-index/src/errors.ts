/**
 * Everything that this package refuses is one of these. `code` is stable; the fields say what was refused, so that a
 * caller can word it differently.
 */
export class PythonIndexError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Outsiders' text in a message: quoted, control characters escaped, cut to a length that a terminal line bears. */
export function quote(value: string): string {
  const cut = value.length > 100 ? `${value.slice(0, 100)}…` : value;
  return JSON.stringify(cut).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escapeCharacter);
}

const escapeCharacter = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Not a project name. */
export class InvalidNameError extends PythonIndexError {
  readonly value: string;

  constructor(value: string, reason: string) {
    super('INVALID_NAME', `${quote(value)} is not a project name: ${reason}`);
    this.value = value;
  }
}

/** Not a version as PEP 440 defines it. */
export class InvalidVersionError extends PythonIndexError {
  readonly value: string;

  constructor(value: string) {
    super('INVALID_VERSION', `${quote(value)} is not a version as PEP 440 defines it, for example 1.2.0 or 2.0rc1`);
    this.value = value;
  }
}

/** Not the name of a wheel or an sdist. */
export class InvalidFilenameError extends PythonIndexError {
  readonly filename: string;
  readonly reason: string;

  constructor(filename: string, reason: string, options?: ErrorOptions) {
    super('INVALID_FILENAME', `${quote(filename)} is not the name of a distribution file: ${reason}`, options);
    this.filename = filename;
    this.reason = reason;
  }
}

/** Core metadata (METADATA, PKG-INFO) that breaks the format, or leaves out what it must say. */
export class InvalidMetadataError extends PythonIndexError {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super('INVALID_METADATA', `the core metadata cannot be read: ${reason}`, options);
    this.reason = reason;
  }
}

/** The metadata inside a distribution names another project or version than its filename. */
export class MetadataMismatchError extends PythonIndexError {
  readonly filename: string;
  readonly field: 'Name' | 'Version';
  readonly expected: string;
  readonly found: string;

  constructor(filename: string, field: 'Name' | 'Version', expected: string, found: string) {
    super(
      'METADATA_MISMATCH',
      `the metadata inside ${quote(filename)} says ${field}: ${quote(found)}, but the filename says ${quote(expected)}; build it again`,
    );
    this.filename = filename;
    this.field = field;
    this.expected = expected;
    this.found = found;
  }
}

/** A wheel or sdist that cannot be accepted. The subclasses say why. */
export class ArchiveError extends PythonIndexError {}

/** The archive asks for more memory, disk or time than the limits allow: an archive bomb, or far too big. */
export class ArchiveLimitError extends ArchiveError {
  readonly limit: string;

  constructor(limit: string, message: string) {
    super('ARCHIVE_LIMIT', message);
    this.limit = limit;
  }
}

/** An entry would be written outside its place, twice, or through a link. */
export class ArchivePathError extends ArchiveError {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super('ARCHIVE_PATH', `the archive entry ${quote(path)} is refused: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

/** Bytes that two readers could understand differently, or that no reader understands. */
export class ArchiveFramingError extends ArchiveError {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super('ARCHIVE_FRAMING', `the archive is damaged or ambiguous: ${reason}; build it again`, options);
    this.reason = reason;
  }
}

/** A sound archive that is not a distribution: a file that it must hold is missing or wrong. */
export class ArchiveContentError extends ArchiveError {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super('ARCHIVE_CONTENT', `the archive is not a distribution: ${reason}`, options);
    this.reason = reason;
  }
}

/** Why an upload form was refused. */
export type UploadFormCode =
  /** An action of old clients that is no longer served (`submit`, …): HTTP 410. */
  | 'UPLOAD_ACTION_GONE'
  | 'UPLOAD_ACTION_UNKNOWN'
  | 'UPLOAD_PROTOCOL_UNKNOWN'
  | 'UPLOAD_FIELD_MISSING'
  | 'UPLOAD_FIELD_REPEATED'
  | 'UPLOAD_FIELD_INVALID'
  | 'UPLOAD_FILETYPE_UNSUPPORTED'
  | 'UPLOAD_DIGEST_MISSING'
  | 'UPLOAD_FILENAME_MISMATCH';

/** An upload form that cannot be accepted. `field` is the form field at fault. */
export class UploadFormError extends PythonIndexError {
  declare readonly code: UploadFormCode;
  readonly field: string;

  constructor(code: UploadFormCode, field: string, sentence: string, options?: ErrorOptions) {
    super(code, sentence, options);
    this.field = field;
  }
}
