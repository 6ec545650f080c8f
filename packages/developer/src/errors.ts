/** Every error that this package throws by itself. `code` is stable, the message is a sentence without its full stop. */
export abstract class DeveloperError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What was given as a secret phrase cannot be one: empty, too long, or with characters that have no lasting form. */
export class InvalidPhraseError extends DeveloperError {
  readonly code = 'INVALID_PHRASE';
}

/** The phrase can be guessed. */
export class WeakPhraseError extends DeveloperError {
  readonly code = 'WEAK_PHRASE';
  /** How many guesses are expected to find it, as a power of two. */
  readonly bits: number;
  /** How many it should take at least, as a power of two. */
  readonly needed: number;

  constructor(bits: number, needed: number, why: string) {
    super(`this would be guessed in about 2^${Math.floor(bits)} tries, and 2^${needed} are the least: ${why}`);
    this.bits = bits;
    this.needed = needed;
  }
}

/** The phrase makes another key than the one that it is to make: it was mistyped, or belongs to another account or index. */
export class WrongPhraseError extends DeveloperError {
  readonly code = 'WRONG_PHRASE';
  /** The key that was expected. */
  readonly keyid: string;

  constructor(keyid: string) {
    super(`the phrase is not the one of key ${keyid.slice(0, 12)}`);
    this.keyid = keyid;
  }
}

/** Whoever holds the key (a file, an agent, a token) now has another one in its place. */
export class KeyChangedError extends DeveloperError {
  readonly code = 'KEY_CHANGED';
  readonly keyid: string;
  readonly found: string;

  constructor(where: string, keyid: string, found: string) {
    super(`${where} holds key ${found.slice(0, 12)} and not ${keyid.slice(0, 12)}, which was expected there`);
    this.keyid = keyid;
    this.found = found;
  }
}

/** No key is known here for this account of this index, or none of that id. */
export class NoKeyError extends DeveloperError {
  readonly code = 'NO_KEY';
}

/** The list of keys is not as Holdfast writes it. */
export class KeyRingError extends DeveloperError {
  readonly code = 'KEY_RING';
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${path} is not a list of keys that this version of Holdfast can read: ${why}`, options);
    this.path = path;
  }
}

/** A `pkcs11:` address that names no key, or cannot be used as written. */
export class InvalidTokenUriError extends DeveloperError {
  readonly code = 'INVALID_TOKEN_URI';

  constructor(why: string) {
    super(`the address of the token's key cannot be used: ${why}`);
  }
}

/** No project's metadata may name the key: installers of some people would refuse it, and with it all projects beside it. */
export class UnusableKeyError extends DeveloperError {
  readonly code = 'UNUSABLE_KEY';
  readonly keyid: string;
  readonly remedy =
    'Use an Ed25519 key. For an SSH agent: "ssh-keygen -t ed25519", "ssh-add", and its fingerprint from "ssh-add -l".';

  constructor(keyid: string, why: string) {
    super(`the key ${keyid.slice(0, 12)} cannot sign for projects: ${why}`);
    this.keyid = keyid;
  }
}

/** Keys of this kind need a package that is not installed. */
export class SignerMissingError extends DeveloperError {
  readonly code = 'SIGNER_MISSING';

  constructor(name: string, options?: ErrorOptions) {
    super(`keys in PKCS #11 tokens need the package ${name}, and it cannot be loaded`, options);
  }
}

/** The index refused what was asked, and says why. Nothing was changed. */
export class RefusedError extends DeveloperError {
  readonly code = 'REFUSED';
  readonly status: number;
  /** The index's own code, such as `KEY_NOT_VOUCHED`; `HTTP_400` where it gave none. */
  readonly reason: string;

  constructor(status: number, reason: string, sentence: string) {
    super(sentence);
    this.status = status;
    this.reason = reason;
  }
}

/** Something came first (HTTP 409): look again, and decide anew. */
export class ConflictError extends RefusedError {}

/** The index takes no token, or not this one. */
export class TokenRefusedError extends DeveloperError {
  readonly code = 'TOKEN_REFUSED';
  readonly url: string;

  constructor(url: string, sentence: string) {
    super(sentence);
    this.url = url;
  }
}

/** There is no token for this index. */
export class TokenMissingError extends DeveloperError {
  readonly code = 'TOKEN_MISSING';
  readonly url: string;

  constructor(url: string) {
    super(`an API token for ${url} is needed, and none was found`);
    this.url = url;
  }
}

/** The index cannot answer now (HTTP 408, 429, 5xx). What was sent may have been done nevertheless. */
export class IndexBusyError extends DeveloperError {
  readonly code = 'INDEX_BUSY';
  readonly status: number;
  readonly reason: string;
  /** Seconds after which the index wants to be asked again, if it says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, reason: string, sentence: string, retryAfter: number | undefined) {
    super(sentence);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** The index does not speak as this version of Holdfast expects. */
export class UnexpectedAnswerError extends DeveloperError {
  readonly code = 'UNEXPECTED_ANSWER';
  readonly url: string;

  constructor(url: string, why: string, options?: ErrorOptions) {
    super(`${url} gave an answer that cannot be used: ${why}`, options);
    this.url = url;
  }
}

/** The list of tokens is not as Holdfast writes it. */
export class TokenStoreError extends DeveloperError {
  readonly code = 'TOKEN_STORE';

  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is not a list of tokens that this version of Holdfast can read`, options);
  }
}

/** The index says that it is another one than the one that is trusted under this name. */
export class NotThatIndexError extends DeveloperError {
  readonly code = 'NOT_THAT_INDEX';
  readonly expected: string;
  readonly said: string;

  constructor(url: string, expected: string, said: string) {
    super(`${url} says that its first root is ${said.slice(0, 64)}, and the trusted one is ${expected}`);
    this.expected = expected;
    this.said = said;
  }
}

/** What `holdfast account add-key` printed on the other machine did not arrive whole. */
export class RequestCodeError extends DeveloperError {
  readonly code = 'REQUEST_CODE';

  constructor(why: string, options?: ErrorOptions) {
    super(`the code is not one that "holdfast key code" or "holdfast account add-key" prints: ${why}`, options);
  }
}

/** A local file that no index would take, or that is not the one that it should be. */
export class FileRefusedError extends DeveloperError {
  readonly code = 'FILE_REFUSED';
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${path} was refused: ${why}`, options);
    this.path = path;
  }
}

/** What was asked for cannot be done with the project as verified metadata has it. */
export class ProjectStateError extends DeveloperError {
  readonly code = 'PROJECT_STATE';
  /** What to do now. */
  readonly remedy: string;

  constructor(sentence: string, remedy: string) {
    super(sentence);
    this.remedy = remedy;
  }
}

/** The key may not sign what was asked for. */
export class NotYourRoleError extends DeveloperError {
  readonly code = 'NOT_YOUR_ROLE';
  readonly remedy: string;

  constructor(sentence: string, remedy: string) {
    super(sentence);
    this.remedy = remedy;
  }
}

/** The index says that something is published, and verified metadata does not show it. */
export class NotVisibleError extends DeveloperError {
  readonly code = 'NOT_VISIBLE';
  readonly project: string;

  constructor(project: string, published: number, newest: number) {
    super(
      `the index published ${project} under timestamp ${published}, but where this computer looks the newest is ${newest}`,
    );
    this.project = project;
  }
}
