import { type LocalFile, type ProjectStatus, stagedAs, type WaitingTransaction } from '@holdfast/developer';
import {
  type Distribution,
  decodeTarget,
  defaultProjectExpiry,
  InvalidTargetError,
  type ProjectRoleEditor,
} from '@holdfast/trust';
import { canonicalize, FormatError, parseJson, parseTargets } from '@holdfast/tuf';

/** What another farm proposed for a role, as this farm sees it. */
export type Verdict =
  /** Exactly what this farm would sign: these bytes get its signature. */
  | { readonly kind: 'agree'; readonly bytes: Uint8Array }
  /** This farm has signed it. */
  | { readonly kind: 'signed' }
  /** It lists wheels that this farm built differently. */
  | { readonly kind: 'differs'; readonly files: ReadonlyMap<string, Distribution> }
  /** It says something that does not follow from sdists that this farm built. */
  | { readonly kind: 'foreign'; readonly reason: string };

const DAY_MS = 86_400_000;

/** The end of validity is made of what is signed, so that two farms write the same bytes: two years after the newest file. */
export function expiryOf(editor: ProjectRoleEditor): Date {
  const newest = Math.max(...Array.from(editor.files.values(), ({ uploadTime }) => uploadTime.getTime()));
  return wholeSeconds(defaultProjectExpiry(new Date(newest)));
}

/** The same for a renewal: two years after the first of this month. */
export function renewedExpiry(now: Date): Date {
  return defaultProjectExpiry(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)));
}

const wholeSeconds = (date: Date): Date => new Date(Math.floor(date.getTime() / 1000) * 1000);

/** The proposal for exactly this version of this role, and for nothing else. */
export function proposalFor(
  { transactions }: ProjectStatus,
  role: string,
  version: number,
): WaitingTransaction | undefined {
  return transactions.find(({ transaction: { claim, rotation, roles } }) => {
    const bytes = roles.get(role);
    if (claim || rotation || roles.size !== 1 || !bytes) return false;
    return read(() => parseTargets(bytes).signed.version) === version;
  });
}

export interface Examining {
  /** The wheels that this farm built, by filename. */
  readonly own: ReadonlyMap<string, LocalFile>;
  readonly status: ProjectStatus;
  /** Of this farm. */
  readonly keyid: string;
  readonly now: Date;
  /** What names the index: as in a workbench. */
  readonly index: string;
}

/**
 * Looks at a proposal: it must be byte for byte what this farm makes of the published version and the wheels that it built itself. An index
 * that shows another one gets no signature.
 * @param editor of the next version, unchanged; it holds what this farm would sign when the verdict is `agree`
 */
export function examine(
  bytes: Uint8Array,
  editor: ProjectRoleEditor,
  { own, status, keyid, now, index }: Examining,
): Verdict {
  const metadata = read(() => parseTargets(bytes));
  const listed = metadata && read(() => filesOf(metadata.signed.targets));
  if (!metadata || !listed) return { kind: 'foreign', reason: 'it cannot be read' };
  const added = [...listed.values()].filter(({ filename }) => !editor.files.has(filename));
  const unknown = added.find(({ filename }) => !own.has(filename));
  if (unknown) return { kind: 'foreign', reason: `${unknown.filename} was not built here` };
  const other = added.filter(({ filename, sha256 }) => own.get(filename)?.sha256 !== sha256);
  if (other.length > 0) return { kind: 'differs', files: new Map(other.map((file) => [file.filename, file])) };
  for (const { filename } of added) {
    const file = own.get(filename);
    if (file) editor.setFile(stagedAs(file, status));
  }
  const { expires } = metadata.signed;
  const latest = defaultProjectExpiry(new Date(now.getTime() + DAY_MS));
  if (expires <= now || expires > latest) return { kind: 'foreign', reason: `it expires ${expires.toISOString()}` };
  const expected = Buffer.from(canonicalize(editor.build(expires, index)));
  if (!expected.equals(canonicalize(parseJson(metadata.signedBytes))))
    return { kind: 'foreign', reason: 'it changes more than this farm would' };
  if (metadata.signatures.some((signature) => signature.keyid === keyid)) return { kind: 'signed' };
  return { kind: 'agree', bytes };
}

function filesOf(targets: ReadonlyMap<string, Parameters<typeof decodeTarget>[1]>): ReadonlyMap<string, Distribution> {
  return new Map(Array.from(targets, ([path, file]) => decodeTarget(path, file)).map((file) => [file.filename, file]));
}

/** `undefined` for what is malformed: it comes from outside. */
function read<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError || error instanceof InvalidTargetError) return undefined;
    throw error;
  }
}
