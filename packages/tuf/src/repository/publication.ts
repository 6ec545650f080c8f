import { equalBytes } from '../bytes.ts';
import { TrustedSet } from '../client/trusted-set.ts';
import { FormatError, TufError, VersionTakenError } from '../errors.ts';
import { encodeJson } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { toJson } from '../json/to-json.ts';
import { asArray, asObject, asString } from '../parse/fields.ts';
import { type Current, LONG_AGO } from './current.ts';
import { checkServable, parseRolePath, rolePath, TIMESTAMP_PATH } from './layout.ts';
import { parseProposed, type Proposal } from './proposal.ts';
import { isRotationRole } from './rotations.ts';
import type { RepositoryStorage } from './storage.ts';

export interface PublishedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Publications that have begun stand here, so that whoever comes after a crash can finish them. */
const JOURNAL_PATH = 'state/publication.json';
const FORMAT = 'holdfast-tuf-publication-1';
/** A disk that is asked for many durable writes at once does them together. */
const MAX_PARALLEL_WRITES = 32;

/**
 * The files of a complete proposal in the order in which they become visible: what nobody asks for yet first, then root
 * and timestamp, which switch readers over.
 * @throws TufError when a client that follows the served root would refuse the outcome
 */
export async function orderFiles(proposal: Proposal, current: Current | undefined): Promise<readonly PublishedFile[]> {
  const files = new Map(
    Array.from(proposal.roles.values(), (role) => [
      role.role,
      fileOf(role.role, parseProposed(role).signed.version, role.metadata),
    ]),
  );
  const { root, timestamp, rest } = split(files);
  const top = topLevel(files, current);
  await follow(current, current?.set.root.bytes ?? top.root, top, root !== undefined && current !== undefined);
  const rootLast = current !== undefined && root !== undefined && (await isBridge(current, top));
  return [...rest, ...(rootLast ? [timestamp, root] : [root, timestamp])].filter((file) => file !== undefined);
}

function fileOf(role: string, version: number, bytes: Uint8Array): PublishedFile {
  if (isRotationRole(role)) return { path: `metadata/${role}.json`, bytes };
  return { path: role === 'timestamp' ? TIMESTAMP_PATH : rolePath(role, version), bytes };
}

function split(files: ReadonlyMap<string, PublishedFile>) {
  const rest = [...files].filter(([role]) => role !== 'root' && role !== 'timestamp').map(([, file]) => file);
  return { root: files.get('root'), timestamp: files.get('timestamp'), rest };
}

interface TopLevel {
  readonly root: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
}

function topLevel(files: ReadonlyMap<string, PublishedFile>, current: Current | undefined): TopLevel {
  const bytes = (role: keyof TopLevel): Uint8Array => {
    const served = role === 'root' ? current?.set.root.bytes : current?.[role].bytes;
    const next = files.get(role)?.bytes ?? served;
    if (next === undefined) throw new FormatError(role, 'is missing', undefined, role);
    return next;
  };
  return { root: bytes('root'), timestamp: bytes('timestamp'), snapshot: bytes('snapshot'), targets: bytes('targets') };
}

/** A client's way from a root to targets (§5.3 to §5.6). @throws TufError where it would stop */
async function follow(
  current: Current | undefined,
  from: Uint8Array,
  top: TopLevel,
  toNextRoot = false,
): Promise<void> {
  const set = await TrustedSet.create(from, LONG_AGO);
  if (toNextRoot) await set.updateRoot(top.root);
  await set.updateTimestamp(top.timestamp);
  await set.updateSnapshot(top.snapshot);
  await set.checkSnapshotCurrent();
  if (current !== undefined) await current.followRotations(set);
  await set.updateRole(top.targets, 'targets', 'root');
}

/**
 * Whether the new root has to come last: when its readers could not use the timestamp that is served now, but readers of
 * the old root can use the new one. When neither is so (the old keys are gone), root comes first and readers wait.
 */
async function isBridge(current: Current, top: TopLevel): Promise<boolean> {
  const served = {
    root: top.root,
    timestamp: current.timestamp.bytes,
    snapshot: current.snapshot.bytes,
    targets: current.targets.bytes,
  };
  return !(await succeeds(() => follow(current, top.root, served))) && (await canSwitch(current, top));
}

async function canSwitch(current: Current, top: TopLevel): Promise<boolean> {
  return succeeds(async () => {
    const { version } = current.timestamp.signed;
    await follow(current, current.set.root.bytes, top);
    const set = await TrustedSet.create(current.set.root.bytes, LONG_AGO);
    await set.updateTimestamp(current.timestamp.bytes);
    // §5.4.3: versions that begin anew are for readers of the new root only.
    if (!(await set.updateTimestamp(top.timestamp))) throw new FormatError('signed.version', `is ${version} again`);
  });
}

async function succeeds(attempt: () => Promise<void>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (error instanceof TufError) return false;
    throw error;
  }
}

/**
 * Makes files visible in their order. From the moment that the journal stands, the publication happens: a crash leaves
 * readers with the old repository or the new one, and {@link finishPublication} does the rest.
 * @throws VersionTakenError before anything was written
 */
export async function publishFiles(storage: RepositoryStorage, files: readonly PublishedFile[]): Promise<void> {
  for (const { path, bytes } of files) {
    checkServable('path', path);
    const there = path === TIMESTAMP_PATH ? undefined : await storage.read(path);
    if (there !== undefined && !equalBytes(there, bytes)) throw new VersionTakenError(path);
  }
  await storage.replace(JOURNAL_PATH, encodeFiles(files));
  await writeFiles(storage, files);
}

/** Finishes what a crash interrupted. To be called under the lock, before anything else is read. */
export async function finishPublication(storage: RepositoryStorage): Promise<void> {
  const journal = await storage.read(JOURNAL_PATH);
  if (journal !== undefined) await writeFiles(storage, decodeFiles(journal));
}

async function writeFiles(storage: RepositoryStorage, files: readonly PublishedFile[]): Promise<void> {
  for (const step of stepsOf(files)) {
    // Nobody may let go of the lock while a write is still under way, so all are waited for, also after a failure.
    const outcomes = await Promise.allSettled(step.map((file) => writeFile(storage, file)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
  await storage.remove(JOURNAL_PATH);
}

/** What nobody asks for yet is written side by side; root and timestamp have a step of their own. */
function* stepsOf(files: readonly PublishedFile[]): Generator<readonly PublishedFile[]> {
  let step: PublishedFile[] = [];
  for (const file of files) {
    const switches = file.path === TIMESTAMP_PATH || parseRolePath(file.path)?.role === 'root';
    if (switches || step.length === MAX_PARALLEL_WRITES) {
      yield step;
      step = [];
    }
    if (switches) yield [file];
    else step.push(file);
  }
  yield step;
}

async function writeFile(storage: RepositoryStorage, { path, bytes }: PublishedFile): Promise<void> {
  if (path === TIMESTAMP_PATH) await storage.replace(path, bytes);
  else if ((await storage.create(path, bytes)) === 'exists') await checkSame(storage, path, bytes);
}

async function checkSame(storage: RepositoryStorage, path: string, bytes: Uint8Array): Promise<void> {
  const there = await storage.read(path);
  if (there === undefined || !equalBytes(there, bytes)) throw new VersionTakenError(path);
}

/** Metadata is text, so it stands in the journal as text. */
function encodeFiles(files: readonly PublishedFile[]): Uint8Array {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const list = files.map(({ path, bytes }) => ({ path, text: decoder.decode(bytes) }));
  return encodeJson(toJson({ format: FORMAT, files: list }));
}

function decodeFiles(journal: Uint8Array): readonly PublishedFile[] {
  const document = asObject(parseJson(journal), 'journal');
  if (document.get('format') !== FORMAT) throw new FormatError('journal.format', `should be ${FORMAT}`);
  return asArray(document.get('files'), 'journal.files').map((item) => {
    const file = asObject(item, 'journal.files[]');
    const bytes = new TextEncoder().encode(asString(file.get('text'), 'journal.files[].text'));
    return { path: asString(file.get('path'), 'journal.files[].path'), bytes };
  });
}
