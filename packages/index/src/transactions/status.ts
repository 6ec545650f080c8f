import type { ProjectName } from '@holdfast/python-index';
import { keysToJson, type Standing, TransactionRefusedError, type WaitingFor } from '@holdfast/trust';
import { type JsonObject, parseTargets } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import { distributionOf, type FileRow } from '../publish/file-rows.ts';
import { keysOf } from '../publish/standing-rows.ts';
import type { Database } from '../records/schema.ts';
import { check } from './judge.ts';
import { loadProject, type ProjectRecord } from './project-record.ts';
import { loadWaiting, type WaitingTransaction } from './waiting.ts';

/** A file as `status` tells it. */
export interface FileStatus {
  readonly filename: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly core_metadata: { readonly sha256: string; readonly size: number } | null;
  readonly requires_python: string | null;
  /** ISO 8601, UTC. */
  readonly upload_time: string;
  /** Who brought it: for members alone. */
  readonly account?: string;
}

/** The answer to `GET /api/v1/projects/{project}/status`, for `toJson`: docs/formats/project-transaction.md. */
export interface ProjectStatus {
  readonly project: ProjectName;
  readonly standing: Standing;
  readonly role: string | null;
  readonly keys: JsonObject;
  readonly threshold: number | null;
  readonly rotations: number;
  readonly generation: number;
  readonly revoked: boolean;
  readonly roles: ReadonlyMap<
    string,
    { readonly version: number; readonly expires: string; readonly metadata: string }
  >;
  /** Roles that nothing leads to any more, with their last versions. */
  readonly retired: ReadonlyMap<string, number>;
  readonly published: readonly (FileStatus & { readonly yanked: boolean | string })[];
  readonly claim_waits: boolean;
  /** Whom the claim that waits for an offline signing names. */
  readonly claim: { readonly keys: JsonObject; readonly threshold: number } | null;
  readonly next_signing: string | null;
  /** From here on: for members and those who hold a key of the project. */
  readonly staged?: readonly FileStatus[];
  readonly transactions?: readonly WaitingStatus[];
  /** The newest that waits of each role. */
  readonly waiting?: ReadonlyMap<string, WaitingFor & { readonly metadata: string }>;
}

export interface WaitingStatus {
  /** To withdraw it: a number that no other transaction of this index has had. */
  readonly id: number;
  readonly account: string;
  readonly recorded_at: string;
  /** When it is dropped, if the missing signatures have not come. */
  readonly waits_until: string;
  readonly claim?: { readonly keys: JsonObject; readonly threshold: number };
  readonly roles: ReadonlyMap<string, string>;
  readonly rotation?: string;
  readonly waiting: ReadonlyMap<string, WaitingFor>;
}

export interface StatusOptions {
  /** Whether whoever asks is a member of the project, or holds a key of it. */
  readonly isMember: boolean;
  readonly nextSigning: Date | undefined;
  /** For how long transactions wait for signatures, in milliseconds. */
  readonly waitingMs: number;
  readonly now: Date;
}

/** What the index knows of a project. */
export async function projectStatus(
  db: Kysely<Database>,
  project: ProjectName,
  { isMember, nextSigning, waitingMs, now }: StatusOptions,
): Promise<ProjectStatus> {
  const record = await loadProject(db, project);
  const claimWaits = await db
    .selectFrom('claims_waiting')
    .select(['keys', 'threshold'])
    .where('project', '=', project)
    .executeTakeFirst();
  const { state, base, files } = record;
  const published = Array.from(files.values()).filter((row) => row.state === 'published');
  return {
    project,
    standing: state.standing,
    role: state.role ?? null,
    keys: keysToJson(state.keys),
    threshold: base.standing?.threshold ?? null,
    rotations: state.rotations,
    generation: base.standing?.generation ?? 1,
    revoked: state.revoked === true,
    roles: new Map(Array.from(state.roles, ([role, bytes]) => [role, roleStatus(bytes)])),
    retired: state.retired ?? new Map(),
    published: published.map((row) => ({ ...fileStatus(row, isMember), yanked: distributionOf(row).yanked ?? false })),
    claim_waits: claimWaits !== undefined,
    claim: claimWaits ? { keys: keysToJson(keysOf(claimWaits.keys)), threshold: claimWaits.threshold } : null,
    next_signing: nextSigning?.toISOString() ?? null,
    ...(isMember && (await whatWaits(db, record, { waitingMs, now }))),
  };
}

async function whatWaits(
  db: Kysely<Database>,
  record: ProjectRecord,
  { waitingMs, now }: Pick<StatusOptions, 'waitingMs' | 'now'>,
): Promise<Required<Pick<ProjectStatus, 'staged' | 'transactions' | 'waiting'>>> {
  const staged = Array.from(record.files.values()).filter((row) => row.state === 'staged');
  const transactions: WaitingStatus[] = [];
  for (const each of await loadWaiting(db, record.state.project)) {
    const lacks = await lacking(record, each, now);
    if (lacks) transactions.push(waitingStatus(each, lacks, waitingMs));
  }
  return {
    staged: staged.map((row) => fileStatus(row, true)),
    transactions,
    waiting: new Map(
      transactions.flatMap(({ roles, rotation, waiting }) =>
        Array.from(
          waiting,
          ([role, lacks]) => [role, { ...lacks, metadata: roles.get(role) ?? rotation ?? '' }] as const,
        ),
      ),
    ),
  };
}

/** What a transaction still lacks; `undefined` when it can come to nothing any more. */
async function lacking(
  record: ProjectRecord,
  { transaction }: WaitingTransaction,
  now: Date,
): Promise<ReadonlyMap<string, WaitingFor> | undefined> {
  try {
    return (await check(record, transaction, now)).waiting;
  } catch (error) {
    if (error instanceof TransactionRefusedError) return undefined;
    throw error;
  }
}

function waitingStatus(
  { id, account, recordedAt, transaction: { claim, roles, rotation } }: WaitingTransaction,
  waiting: ReadonlyMap<string, WaitingFor>,
  waitingMs: number,
): WaitingStatus {
  return {
    id,
    account,
    recorded_at: recordedAt.toISOString(),
    waits_until: new Date(recordedAt.getTime() + waitingMs).toISOString(),
    ...(claim && { claim: { keys: keysToJson(claim.keys), threshold: claim.threshold } }),
    roles: new Map(Array.from(roles, ([role, bytes]) => [role, text(bytes)])),
    ...(rotation && { rotation: text(rotation) }),
    waiting,
  };
}

function roleStatus(bytes: Uint8Array): { version: number; expires: string; metadata: string } {
  const { version, expires } = parseTargets(bytes).signed;
  return { version, expires: expires.toISOString(), metadata: text(bytes) };
}

function fileStatus(row: FileRow, withAccount: boolean): FileStatus {
  const { filename, sha256, size, uploadTime, requiresPython, coreMetadata } = distributionOf(row);
  return {
    filename,
    sha256,
    size,
    core_metadata: coreMetadata ?? null,
    requires_python: requiresPython ?? null,
    upload_time: uploadTime.toISOString(),
    ...(withAccount && { account: row.account }),
  };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
