import {
  ClockError,
  ExpiredError,
  FormatError,
  HashMismatchError,
  LengthMismatchError,
  LimitError,
  LockTimeoutError,
  MismatchError,
  MissingMetadataError,
  NetworkError,
  NotFoundError,
  RoleRevokedError,
  RollbackError,
  TufError,
  UnsignedMetadataError,
} from '@holdfast/tuf';
import { PythonIndexError } from '@holdfast/python-index';
import { InvalidTargetError, OtherIndexError } from '@holdfast/trust';
import {
  AbsentError,
  AmbiguousIndexError,
  ClockBehindError,
  HostNotTrustedError,
  InstallerError,
  MirrorsFailedError,
  MisbehavedError,
  NoTrustError,
  NotVouchedError,
  OfflineMissingError,
  RootMismatchError,
  ToolMissingError,
  TrustExistsError,
  UnreachableError,
  UnsafeSettingError,
  WrongContentError,
} from './errors.ts';

/** An error in plain words: what was refused and why, and what to do now. */
export interface Explanation {
  readonly sentence: string;
  readonly remedy: string;
}

const ATTACK_OR_DAMAGE =
  'Nothing of it was used. Try again later or add another mirror; if it stays, tell the people who run the index.';

/** Makes the sentence for a person out of an error's class and fields. */
export function explain(error: unknown): Explanation {
  if (error instanceof InstallerError) return explainOwn(error);
  if (error instanceof TufError) return explainTuf(error);
  if (error instanceof InvalidTargetError)
    return say(
      `The signed entry for ${error.path} is unusable: ${error.reason}.`,
      'Tell the people who run the index.',
    );
  if (error instanceof PythonIndexError)
    return say(`${error.message}.`, 'Correct the name or version and run the command again.');
  const text = error instanceof Error ? error.message : String(error);
  return say(
    `Something unexpected went wrong: ${text}.`,
    'This is a defect of Holdfast or of this machine; please report it.',
  );
}

const say = (sentence: string, remedy: string): Explanation => ({ sentence: plain(sentence), remedy: plain(remedy) });

const MAX_LENGTH = 2_000;

/** Servers choose some of the words: nothing of them may steer a terminal, reorder text or fill the screen. */
const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_LENGTH);

function explainTuf(error: TufError): Explanation {
  if (error instanceof RollbackError) {
    const offered = error.offered === undefined ? 'none at all' : `version ${error.offered}`;
    return say(
      `The server offers old metadata: version ${error.trusted} of "${error.role}" was seen before, now it sends ${offered}. An attacker does this to bring back files with known holes.`,
      ATTACK_OR_DAMAGE,
    );
  }
  if (error instanceof ExpiredError) {
    return say(
      `The metadata "${error.role}" was valid until ${error.expires.toISOString()}, and now it is ${error.now.toISOString()}. Somebody may be hiding newer files, or the index has stopped signing.`,
      "Check this computer's clock. If it is right, try later or add another mirror.",
    );
  }
  if (error instanceof ClockError)
    return say(
      `This computer's clock says ${error.now.toISOString()}, but at an earlier refresh it said ${error.latest.toISOString()}. With a clock set back, old files could pass as current.`,
      'Set the clock, then run the command again. If it is right, and was wrong earlier: holdfast trust forget-time NAME   (NAME is in: holdfast trust list)',
    );
  if (error instanceof UnsignedMetadataError) {
    const needed = `${error.threshold} ${error.threshold === 1 ? 'signature' : 'signatures'}`;
    return say(
      `The metadata "${error.role}" needs ${needed} by trusted keys and has ${error.valid}.`,
      ATTACK_OR_DAMAGE,
    );
  }
  if (error instanceof RoleRevokedError)
    return say(
      `The holders of the keys of "${error.role}" have revoked it, probably because keys were stolen. Nothing that it signed can be trusted.`,
      'Install nothing that it vouched for until the index names a successor. Ask the index or the project.',
    );
  if (error instanceof OtherIndexError) return explainOtherIndex(error);
  if (error instanceof MismatchError || error instanceof MissingMetadataError)
    return say(`The server mixes metadata of different moments: ${error.message}.`, ATTACK_OR_DAMAGE);
  if (error instanceof HashMismatchError || error instanceof LengthMismatchError)
    return say(`The server sent metadata that is not the one that was signed: ${error.message}.`, ATTACK_OR_DAMAGE);
  if (error instanceof FormatError)
    return say(
      `The server sent ${error.role === undefined ? 'something' : `a "${error.role}"`} that is not valid metadata (${error.message}).`,
      ATTACK_OR_DAMAGE,
    );
  if (error instanceof NotFoundError)
    return say(
      `The server does not have ${error.path}, although signed metadata says that it exists.`,
      ATTACK_OR_DAMAGE,
    );
  if (error instanceof NetworkError)
    return say(`${error.path} could not be fetched.`, 'Check the network connection, then run the command again.');
  if (error instanceof LimitError) return say(`The metadata asks for too much: ${error.message}.`, ATTACK_OR_DAMAGE);
  if (error instanceof LockTimeoutError)
    return say('Another Holdfast process holds the store.', 'Wait until it has finished, then run the command again.');
  return say(`The metadata was refused: ${error.message}.`, ATTACK_OR_DAMAGE);
}

function explainOtherIndex({ role, named, own }: OtherIndexError): Explanation {
  if (own === undefined)
    return say(
      `"${role}" was signed for the index ${named}, and nobody can tell whether it is this one: the root metadata that you trusted is a later one and does not say of which index it is.`,
      'Ask the people who run the index for the fingerprint of its first root metadata, or of one signed since; then "holdfast trust remove" and "holdfast trust add" with that.',
    );
  return say(
    `The server offers "${role}" of another index: it was signed for ${named}, and this is ${own}. The same keys sign for both, and an attacker brings from there what nobody published here.`,
    ATTACK_OR_DAMAGE,
  );
}

function explainOwn(error: InstallerError): Explanation {
  if (error instanceof WrongContentError) {
    return say(
      `What the server sent as ${error.subject} is not the file that was signed: its ${error.what === 'length' ? 'length' : 'SHA-256'} is ${error.actual}, signed is ${error.expected}.`,
      ATTACK_OR_DAMAGE,
    );
  }
  if (error instanceof MirrorsFailedError) {
    const each = error.problems.map(({ mirror, error: problem }) => `${mirror}: ${explain(problem).sentence}`);
    return say(`No mirror gave an acceptable ${error.subject}. ${each.join(' ')}`, ATTACK_OR_DAMAGE);
  }
  if (error instanceof OfflineMissingError) {
    const reasons = error.problems.map(({ mirror, error: problem }) => `${mirror}: ${reasonOf(problem)}`);
    const because = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
    return say(
      `The index cannot be reached${because}, and ${error.subject} is not in the local store.`,
      'Check the network connection, then run the command again.',
    );
  }
  if (error instanceof NotVouchedError) {
    return say(
      `The index ${error.index} does not vouch for ${error.subject}: ${error.reason}.`,
      'If a lock file names it, lock again; otherwise do not install it.',
    );
  }
  if (error instanceof ClockBehindError)
    return say(
      `This computer's clock says ${error.now.toISOString()}, but ${error.filename} was uploaded to ${error.index} at ${error.uploaded.toISOString()}, as was signed. With a clock that is behind, old files could pass as current.`,
      'Set the clock, then run the command again. If it is right, tell the people who run the index that theirs is ahead.',
    );
  if (error instanceof HostNotTrustedError) return explainHost(error);
  if (error instanceof UnreachableError)
    return say(`${error.url} cannot be reached: ${error.reason}.`, 'Check the address and the network connection.');
  if (error instanceof AbsentError)
    return say(`The server does not have ${error.url} (HTTP ${error.status}).`, 'Check the address of the index.');
  if (error instanceof MisbehavedError) return say(`${error.url} misbehaves: ${error.reason}.`, ATTACK_OR_DAMAGE);
  return explainUsage(error);
}

function explainHost({ host, index }: HostNotTrustedError): Explanation {
  if (index !== undefined) {
    return say(
      `A direct connection to ${host} was blocked: what comes that way cannot be verified, although ${host} serves the trusted index ${index}.`,
      `Remove its address (--index-url, or an https:// address in a lock file) and let Holdfast supply it.`,
    );
  }
  return say(
    `A connection to ${host} was blocked: it is not a trusted index, so nothing that comes from there can be verified.`,
    `Remove the option or setting that names ${host}. If you must: --unsafe-allow-unverified-host ${host.replace(/:443$/, '')}`,
  );
}

function explainUsage(error: InstallerError): Explanation {
  if (error instanceof NoTrustError) {
    const which =
      error.index === undefined ? 'No index is trusted yet.' : `No index named "${error.index}" is trusted.`;
    return say(which, 'Add one: holdfast trust add NAME URL --root FILE   (see: holdfast trust list)');
  }
  if (error instanceof AmbiguousIndexError)
    return say(`Several indexes are trusted: ${error.names.join(', ')}.`, 'Say which one: --index NAME');
  if (error instanceof TrustExistsError)
    return say(
      `An index named "${error.index}" is trusted already.`,
      `To begin anew: holdfast trust remove ${error.index}`,
    );
  if (error instanceof RootMismatchError) {
    return say(
      `No root metadata with the fingerprint ${error.expected} was found (looked at: ${error.seen.join(', ') || 'none'}).`,
      'Compare the fingerprint with the one that the operators published. If it is right, do not trust this server.',
    );
  }
  if (error instanceof ToolMissingError)
    return say(
      `${error.tool} was not found on this computer.`,
      `Install ${error.tool}, or activate the environment that has it.`,
    );
  if (error instanceof UnsafeSettingError) {
    return say(
      `${error.setting} (${error.where}) would lead around the verification, so nothing was started.`,
      'Remove it. A proxy that your network needs belongs into HTTPS_PROXY: Holdfast uses it.',
    );
  }
  return say(`${error.message}.`, 'Correct it and run the command again.');
}

/** The shortest form, for lists of mirrors. */
function reasonOf(error: unknown): string {
  return error instanceof UnreachableError ? error.reason : explain(error).sentence;
}
