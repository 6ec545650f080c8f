import {
  type Distribution,
  type KeysAndThreshold,
  keysFromJson,
  type ProjectTransaction,
  type Standing,
  type WaitingFor,
} from '@holdfast/trust';
import type { ProjectName } from '@holdfast/python-index';
import type { JsonObject, JsonValue } from '@holdfast/tuf';
import { asArray, asInteger, asObject, asText, asTime, FieldError } from '../json-fields.ts';
import { readWaitingFor } from './project-transaction.ts';

/** A file that the index has and that is in no signed metadata yet. */
export interface StagedFile extends Distribution {
  /** Who brought it. */
  readonly account: string;
}

/** A transaction that is kept until others have signed it. */
export interface WaitingTransaction {
  /** To withdraw it; not told by older indexes. */
  readonly id?: number | undefined;
  /** Who brought it. */
  readonly account: string;
  readonly recordedAt: Date;
  /** When the index forgets it; not told by older ones, which keep it for ever. */
  readonly waitsUntil?: Date | undefined;
  /** All of it, as it has to be sent again. */
  readonly transaction: ProjectTransaction;
  /** What lacks signatures, by role name or entry of a rotate file. */
  readonly waiting: ReadonlyMap<string, WaitingFor>;
}

/**
 * What an index says of a project beside its signed metadata. Only what waits is taken from here, and nothing that it says is signed
 * without being looked at.
 */
export interface ProjectStatus {
  readonly project: ProjectName;
  readonly standing: Standing;
  /** The project's own role, or what it will be called when it is claimed. */
  readonly role: string | undefined;
  readonly staged: readonly StagedFile[];
  /** Oldest first. */
  readonly transactions: readonly WaitingTransaction[];
  /** A claim counts from the next offline signing on. */
  readonly claimWaits: boolean;
  /** Whom that claim names; not told by older indexes. */
  readonly claim?: KeysAndThreshold | undefined;
  /** What is published of the project's roles, by name. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  readonly nextSigning: Date | undefined;
  /** Counts the names of the project's role from 1. */
  readonly generation: number;
  /** Roles that nobody delegates to any more, with the last version of each. */
  readonly retired: ReadonlyMap<string, number>;
}

const STANDINGS: ReadonlySet<string> = new Set(['none', 'unclaimed', 'recently-claimed', 'claimed', 'rarely-updated']);

/** Members that are not known are passed over (M14). @throws FieldError, FormatError */
export function readProjectStatus(project: ProjectName, status: JsonObject): ProjectStatus {
  if (asText(status.get('project'), 'project') !== project) throw new FieldError('project', `should be ${project}`);
  const next = orAbsent(status.get('next_signing'));
  const [role, claim] = [orAbsent(status.get('role')), orAbsent(status.get('claim'))];
  return {
    project,
    standing: asStanding(status.get('standing')),
    role: role === undefined ? undefined : asText(role, 'role'),
    staged: asArray(status.get('staged') ?? [], 'staged').map((file) => readStaged(project, asObject(file, 'staged'))),
    transactions: asArray(status.get('transactions') ?? [], 'transactions').map((each) =>
      readWaiting(asObject(each, 'transactions')),
    ),
    roles: mapOf(status.get('roles'), 'roles', (role, where) =>
      textBytes(asObject(role, where).get('metadata'), where),
    ),
    claimWaits: status.get('claim_waits') === true,
    claim: claim === undefined ? undefined : readClaim(asObject(claim, 'claim')),
    nextSigning: next === undefined ? undefined : asTime(next, 'next_signing'),
    generation: asInteger(status.get('generation') ?? 1, 'generation'),
    retired: mapOf(status.get('retired'), 'retired', asInteger),
  };
}

function asStanding(value: JsonValue | undefined): Standing {
  const text = asText(value, 'standing');
  if (!STANDINGS.has(text)) throw new FieldError('standing', 'is none that this version of Holdfast knows');
  return text as Standing;
}

function readStaged(project: ProjectName, file: JsonObject): StagedFile {
  const core = orAbsent(file.get('core_metadata'));
  const requiresPython = orAbsent(file.get('requires_python'));
  return {
    project,
    filename: asPrintable(file.get('filename'), 'filename'),
    sha256: asDigest(file.get('sha256'), 'sha256'),
    size: asInteger(file.get('size'), 'size'),
    uploadTime: asTime(file.get('upload_time'), 'upload_time'),
    account: asPrintable(orAbsent(file.get('account')) ?? '', 'account'),
    ...(requiresPython !== undefined && { requiresPython: asText(requiresPython, 'requires_python') }),
    ...(core !== undefined && { coreMetadata: readCore(asObject(core, 'core_metadata')) }),
  };
}

const readCore = (core: JsonObject): { readonly sha256: string; readonly size: number } => ({
  sha256: asDigest(core.get('sha256'), 'core_metadata.sha256'),
  size: asInteger(core.get('size'), 'core_metadata.size'),
});

function readWaiting(each: JsonObject): WaitingTransaction {
  const [claim, rotation] = [orAbsent(each.get('claim')), orAbsent(each.get('rotation'))];
  const [id, until] = [orAbsent(each.get('id')), orAbsent(each.get('waits_until'))];
  return {
    id: id === undefined ? undefined : asInteger(id, 'id'),
    account: asPrintable(each.get('account') ?? '', 'account'),
    recordedAt: asTime(each.get('recorded_at'), 'recorded_at'),
    waitsUntil: until === undefined ? undefined : asTime(until, 'waits_until'),
    transaction: {
      ...(claim !== undefined && { claim: readClaim(asObject(claim, 'claim')) }),
      roles: mapOf(each.get('roles'), 'roles', textBytes),
      ...(rotation !== undefined && { rotation: textBytes(rotation, 'rotation') }),
    },
    waiting: mapOf(each.get('waiting'), 'waiting', readWaitingFor),
  };
}

function readClaim(claim: JsonObject): KeysAndThreshold {
  return {
    keys: keysFromJson(claim.get('keys'), 'claim.keys'),
    threshold: asInteger(claim.get('threshold'), 'threshold'),
  };
}

const textBytes = (value: JsonValue | undefined, where: string): Uint8Array =>
  new TextEncoder().encode(asText(value, where));

function mapOf<T>(
  value: JsonValue | undefined,
  where: string,
  read: (value: JsonValue, where: string) => T,
): ReadonlyMap<string, T> {
  const entries = orAbsent(value) === undefined ? new Map<string, JsonValue>() : asObject(value, where);
  return new Map([...entries].map(([name, member]) => [asPrintable(name, where), read(member, `${where}.${name}`)]));
}

/** What is shown to people: an index that is broken into chooses the words, and nothing in them may steer a terminal. */
function asPrintable(value: JsonValue | undefined, where: string): string {
  const text = asText(value, where);
  if (!/^[\x20-\x7e]*$/.test(text)) throw new FieldError(where, 'has characters that no name here has');
  return text;
}

function asDigest(value: JsonValue | undefined, where: string): string {
  const text = asText(value, where);
  if (!/^[0-9a-f]{64}$/.test(text)) throw new FieldError(where, 'should be a SHA-256 in hex');
  return text;
}

const orAbsent = (value: JsonValue | undefined): JsonValue | undefined => value ?? undefined;
