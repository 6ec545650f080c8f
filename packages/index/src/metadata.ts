import { UNCLAIMED } from '@holdfast/trust';
import {
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  UnsignedMetadataError,
  verifySignatures,
} from '@holdfast/tuf';
import { MetadataRefusedError } from './errors.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { roleKey } from './publish/publications.ts';
import type { RoleTable } from './publish/role-table.ts';
import type { Records } from './records/records.ts';

/** Bytes of a role that this index made itself; a branch with many files of one project may be large. */
const MAX_ROLE_BYTES = 64 << 20;

/** The published metadata, by role name. The newest bytes of the top-level roles are kept in memory. */
export class PublishedMetadata {
  readonly #objects: ObjectStore;
  readonly #table: RoleTable;
  readonly #kept = new Map<string, { readonly version: number; readonly bytes: Uint8Array }>();
  #root: { readonly version: number; readonly bytes: Uint8Array };

  constructor(objects: ObjectStore, table: RoleTable, root: Uint8Array) {
    this.#objects = objects;
    this.#table = table;
    this.#root = { version: parseRoot(root).signed.version, bytes: root };
  }

  get root(): Uint8Array {
    return this.#root.bytes;
  }

  set root(bytes: Uint8Array) {
    this.#root = { version: parseRoot(bytes).signed.version, bytes };
  }

  /** The newest published metadata of a role, such as `timestamp` or `unclaimed`. */
  async newest(role: string): Promise<Uint8Array | undefined> {
    if (role === 'root') return this.#root.bytes;
    const version = this.#table.get(role)?.version;
    if (version === undefined) return undefined;
    const kept = this.#kept.get(role);
    if (kept?.version === version) return kept.bytes;
    const bytes = await this.#objects.get(roleKey(role, version), { maxLength: MAX_ROLE_BYTES });
    if (bytes && (role === 'timestamp' || role === 'snapshot' || role === 'targets'))
      this.#kept.set(role, { version, bytes });
    return bytes;
  }
}

/**
 * Whether `next` may follow `current`: the next version, signed by a threshold of both roots' keys (TUF 1.0.34 §5.3.4–5).
 * @throws MetadataRefusedError
 */
export async function checkNextRoot(current: Uint8Array, next: Uint8Array): Promise<number> {
  const [before, after] = [parseRoot(current), await parsed('root', () => parseRoot(next))];
  if (after.signed.version !== before.signed.version + 1) {
    throw new MetadataRefusedError(
      'root',
      `it has version ${after.signed.version}, ${before.signed.version + 1} is next`,
    );
  }
  for (const { signed } of [before, after]) {
    const holders = signed.roles.get('root');
    if (!holders) throw new MetadataRefusedError('root', 'it names no keys for itself');
    await checked('root', () => verifySignatures(after, signed.keys, holders));
  }
  return after.signed.version;
}

/** Whether `next` may follow the published targets: the next version, signed as `root` says. @throws MetadataRefusedError */
export async function checkNextTargets(root: Uint8Array, currentVersion: number, next: Uint8Array): Promise<Date> {
  const after = await parsed('targets', () => parseTargets(next));
  if (after.signed.version !== currentVersion + 1) {
    throw new MetadataRefusedError('targets', `it has version ${after.signed.version}, ${currentVersion + 1} is next`);
  }
  const { signed } = parseRoot(root);
  const holders = signed.roles.get('targets');
  if (!holders) throw new MetadataRefusedError('targets', 'root names no keys for it');
  await checked('targets', () => verifySignatures(after, signed.keys, holders));
  return after.signed.expires;
}

async function parsed<T>(role: string, parse: () => T): Promise<T> {
  return checked(role, async () => parse());
}

async function checked<T>(role: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    throw new MetadataRefusedError(role, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Every root version, in the records and to be found by clients that are far behind. */
export async function allRoots(records: Records): Promise<{ readonly version: number; readonly bytes: Uint8Array }[]> {
  return records.read.selectFrom('roots').selectAll().orderBy('version').execute();
}

/** Whether what is published of the online roles is signed by the keys that root and targets name now. */
export async function signedByCurrentKeys(records: Records, root: Uint8Array, targets: Uint8Array): Promise<boolean> {
  const topLevel = parseRoot(root).signed;
  const delegations = parseTargets(targets).signed.delegations;
  const online = [
    { role: 'timestamp', parse: parseTimestamp, keys: topLevel.keys, roleKeys: topLevel.roles.get('timestamp') },
    { role: 'snapshot', parse: parseSnapshot, keys: topLevel.keys, roleKeys: topLevel.roles.get('snapshot') },
    {
      role: UNCLAIMED,
      parse: parseTargets,
      keys: delegations?.keys ?? new Map(),
      roleKeys: delegations?.roles.find(({ name }) => name === UNCLAIMED),
    },
  ];
  for (const { role, parse, keys, roleKeys } of online) {
    const row = await records.read.selectFrom('roles').select('bytes').where('role', '=', role).executeTakeFirst();
    if (!row || !roleKeys) return false;
    try {
      await verifySignatures(parse(row.bytes), keys, roleKeys);
    } catch (error) {
      if (error instanceof UnsignedMetadataError) return false;
      throw error;
    }
  }
  return true;
}
