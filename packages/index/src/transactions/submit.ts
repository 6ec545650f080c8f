import type { ProjectName } from '@holdfast/python-index';
import {
  type CheckedTransaction,
  type ProjectTransaction,
  RECENTLY_CLAIMED,
  type Standing,
  type WaitingFor,
} from '@holdfast/trust';
import type { Transaction } from 'kysely';
import type { Identity } from '../accounts/accounts.ts';
import { partIn } from '../accounts/membership.ts';
import { IndexClosedError, NotYourProjectError, PublishDelayedError, VersionTakenError } from '../errors.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { chunks } from '../publish/chunks.ts';
import { objectKeyOf } from '../publish/file-rows.ts';
import { claimWaits } from '../publish/standing-after.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { isPublished, untilWhichChange } from './already-published.ts';
import { checkClaim } from './claim-rules.ts';
import { judge, type Judged } from './judge.ts';
import { loadProject, type ProjectRecord } from './project-record.ts';
import { queueTransaction } from './queue.ts';
import { fileGone, transactionDelayed, versionTaken } from './refusals.ts';
import { assertUnmoved } from './unmoved.ts';
import { dropOvertaken, keepWaiting, loadWaiting, waitingAlike, type WaitingTransaction } from './waiting.ts';

export interface SubmitParts {
  readonly records: Records;
  readonly objects: ObjectStore;
  readonly clock: () => Date;
  /** Resolves with the version of the timestamp that leads to a change. */
  readonly untilPublished: (change: number) => Promise<number>;
}

/** What became of a transaction. */
export type Submitted =
  | {
      readonly outcome: 'published';
      readonly timestampVersion: number;
      /** Every file that the project's roles list now. */
      readonly files: readonly string[];
      readonly standing: Standing;
      /** It is a claim that the next offline signing brings into force. */
      readonly claimWaits: boolean;
    }
  | { readonly outcome: 'waiting'; readonly waiting: ReadonlyMap<string, WaitingFor> };

/** How often a transaction is judged anew because something moved meanwhile. */
const ATTEMPTS = 6;

/** Files that are looked for at the same time. */
const PARALLEL_LOOKS = 32;

/** Something that was read to judge it is not so any more. */
class MovedError extends Error {}

/**
 * Judges what developers sent, and publishes it, keeps it for missing signatures, or refuses it: then nothing is changed (M5, M6). It is
 * judged outside of any transaction of the records, so that projects do not wait for each other; what it was judged against is compared
 * when it is written down, so that those of one project come in turn (M8).
 * @throws TransactionRefusedError, HttpError, NotYourProjectError
 */
export async function submitTransaction(
  parts: SubmitParts,
  identity: Identity,
  project: ProjectName,
  sent: ProjectTransaction,
): Promise<Submitted> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await attemptOnce(parts, identity, project, sent);
    } catch (error) {
      if (!(error instanceof MovedError || error instanceof VersionTakenError)) throw error;
      const change = await untilWhichChange(parts.records.read, project);
      if (change !== undefined) await published(parts, change);
    }
  }
  throw versionTaken(project);
}

async function attemptOnce(
  parts: SubmitParts,
  identity: Identity,
  project: ProjectName,
  sent: ProjectTransaction,
): Promise<Submitted> {
  const { records, clock } = parts;
  const now = clock();
  if ((await partIn(records.read, identity, project)) === undefined)
    throw new NotYourProjectError(project, identity.account);
  const record = await loadProject(records.read, project);
  const alike = waitingAlike(await loadWaiting(records.read, project), sent);
  let judged: Judged;
  try {
    if (sent.claim) await checkClaim(records.read, record.state, sent.claim, identity.account);
    judged = await judge(record, sent, alike, now);
  } catch (error) {
    // Whoever lost the answer asks again.
    if (!(await isPublished(records.read, record, sent))) throw error;
    return { ...outcomeOf(record, sent, publishedFiles(record)), timestampVersion: await published(parts, 0) };
  }
  await assertStored(parts.objects, record, judged.checked);
  const change = await records.write((db) => write(db, { identity, project, sent, record, alike, judged, now }));
  if (change === undefined) return { outcome: 'waiting', waiting: judged.checked.waiting };
  const files = [...judged.checked.files.keys()];
  return { ...outcomeOf(record, sent, files), timestampVersion: await published(parts, change) };
}

interface Writing {
  readonly identity: Identity;
  readonly project: ProjectName;
  readonly sent: ProjectTransaction;
  readonly record: ProjectRecord;
  readonly alike: WaitingTransaction | undefined;
  readonly judged: Judged;
  readonly now: Date;
}

/** @returns the change to wait for; `undefined` when signatures are missing */
async function write(
  db: Transaction<Database>,
  { identity, project, sent, record, alike, judged, now }: Writing,
): Promise<number | undefined> {
  const { account } = identity;
  const { checked, transaction } = judged;
  const part = await partIn(db, identity, project);
  if (part === undefined) throw new NotYourProjectError(project, account);
  const still = waitingAlike(await loadWaiting(db, project), sent);
  if (still?.id !== alike?.id) throw new MovedError(); // Another holder signed meanwhile: both signatures count.
  if (sent.claim) await checkClaim(db, record.state, sent.claim, account);
  if (part === 'creator') await createProject(db, project, account, now);
  if (checked.waiting.size > 0) {
    await assertUnmoved(db, project, record.base, checked);
    const { rotations } = record.state;
    const by = alike?.account ?? account;
    await keepWaiting(db, transaction, checked, { project, account: by, now, rotations, replaces: alike });
    return undefined;
  }
  await dropOvertaken(db, project, checked);
  // A claim is of who made it, whoever signs last.
  const by = (sent.claim && alike?.account) ?? account;
  return await queueTransaction(db, checked, { project, account: by, now, base: record.base });
}

async function createProject(db: Transaction<Database>, name: string, account: string, now: Date): Promise<void> {
  const at = now.getTime();
  const row = { name, display_name: name, created_at: at, created_by: account, bytes: 0 };
  await db.insertInto('projects').values(row).execute();
  await db.insertInto('members').values({ project: name, account, added_at: at }).execute();
}

function outcomeOf({ state, base }: ProjectRecord, { claim }: ProjectTransaction, files: readonly string[]) {
  const waits = claimWaits({ claim: claim ? '' : null }, base.standing);
  const standing = claim && !waits ? RECENTLY_CLAIMED : state.standing;
  return { outcome: 'published', files, standing, claimWaits: waits } as const;
}

function publishedFiles({ files }: ProjectRecord): string[] {
  return Array.from(files.values()).flatMap(({ filename, state }) => (state === 'published' ? [filename] : []));
}

/** Somebody may have discarded a file and brought it again in the same moment. */
async function assertStored(
  objects: ObjectStore,
  { files }: ProjectRecord,
  checked: CheckedTransaction,
): Promise<void> {
  const staged = [...checked.files.keys()].flatMap((filename) => files.get(filename) ?? []);
  for (const some of chunks(
    staged.filter(({ state }) => state === 'staged'),
    PARALLEL_LOOKS,
  )) {
    await Promise.all(
      some.map(async (row) => {
        const object = await objects.open(objectKeyOf(row));
        if (!object) throw fileGone(row.filename);
        object.close();
      }),
    );
  }
}

async function published({ untilPublished }: SubmitParts, change: number): Promise<number> {
  try {
    return await untilPublished(change);
  } catch (error) {
    // Another process publishes it, or this one at its next start.
    const later = error instanceof PublishDelayedError || error instanceof IndexClosedError;
    throw later ? transactionDelayed(error) : error;
  }
}
