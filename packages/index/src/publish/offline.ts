import { parseRoot, parseTargets, verifySignatures } from '@holdfast/tuf';
import { DamagedIndexError, MetadataRefusedError } from '../errors.ts';
import type { Records } from '../records/records.ts';
import { assertUndamaged } from './publications.ts';
import type { RecordedRoot } from './roots.ts';

/** What the offline keys signed: the newest root and the newest targets. */
export interface Offline {
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
}

/** What holders of offline keys signed, to be published at once: any of it may be missing. */
export interface OfflineOffer {
  /** The next root. */
  readonly root?: Uint8Array;
  /** The next targets. With another security model, roles of its trees have to come or leave as well. */
  readonly targets?: Uint8Array;
  /**
   * Next versions of `claimed*`, `rarely-updated*` and `rarely-updated.closed`, by name; and a project's present metadata under the next
   * name of its role, where the tree delegates to that.
   */
  readonly roles?: ReadonlyMap<string, Uint8Array>;
  /** Roles that leave: of these trees, or of a project whose role has another name from now on. */
  readonly retired?: readonly string[];
}

/** An offer that may follow what is published. */
export interface AcceptedOffer {
  readonly offline: Offline;
  readonly root?: { readonly version: number; readonly bytes: Uint8Array };
  readonly targets?: { readonly version: number; readonly expiresAt: number; readonly bytes: Uint8Array };
}

/**
 * Whether an offer may be published after `current`, which is `undefined` for the first: next versions, signed as the
 * roots say (TUF 1.0.34 §5.3.4–5, §5.6.3), not expired.
 * @throws MetadataRefusedError
 */
export async function acceptOffer(
  current: Offline | undefined,
  offer: OfflineOffer,
  now: Date,
): Promise<AcceptedOffer> {
  const root = offer.root ?? current?.root;
  const targets = offer.targets ?? current?.targets;
  if (!root) throw new MetadataRefusedError('root', 'an index begins with one');
  if (!targets) throw new MetadataRefusedError('targets', 'an index begins with one');
  const rootVersion = offer.root && (await checkNextRoot(current?.root, offer.root, now));
  // Also when the targets stay: the new root must not take away the keys that signed them.
  const next = await checkTargets(root, targets);
  if (offer.targets) {
    const before = current ? parseTargets(current.targets).signed.version : 0;
    assertNext('targets', before, next, now);
  }
  return {
    offline: { root, targets },
    ...(offer.root && rootVersion !== undefined && { root: { version: rootVersion, bytes: offer.root } }),
    ...(offer.targets && {
      targets: { version: next.version, expiresAt: next.expires.getTime(), bytes: offer.targets },
    }),
  };
}

async function checkNextRoot(current: Uint8Array | undefined, next: Uint8Array, now: Date): Promise<number> {
  const before = current && parseRoot(current);
  const after = await checked('root', async () => parseRoot(next));
  assertNext('root', before?.signed.version ?? 0, after.signed, now);
  if (!after.signed.consistentSnapshot) {
    throw new MetadataRefusedError('root', 'consistent_snapshot is false, and this index names files by their hash');
  }
  for (const { signed } of before ? [before, after] : [after]) {
    const holders = signed.roles.get('root');
    if (!holders) throw new MetadataRefusedError('root', 'it names no keys for itself');
    await checked('root', () => verifySignatures(after, signed.keys, holders, 'root'));
  }
  return after.signed.version;
}

async function checkTargets(root: Uint8Array, bytes: Uint8Array): Promise<{ version: number; expires: Date }> {
  const targets = await checked('targets', async () => parseTargets(bytes));
  const { signed } = await checked('root', async () => parseRoot(root));
  const holders = signed.roles.get('targets');
  if (!holders) throw new MetadataRefusedError('targets', 'root names no keys for it');
  await checked('targets', () => verifySignatures(targets, signed.keys, holders, 'targets'));
  return targets.signed;
}

function assertNext(
  role: string,
  before: number,
  { version, expires }: { readonly version: number; readonly expires: Date },
  now: Date,
): void {
  if (version !== before + 1) throw new MetadataRefusedError(role, `it has version ${version}, ${before + 1} is next`);
  if (expires <= now) throw new MetadataRefusedError(role, `it expired on ${expires.toISOString()}`);
}

async function checked<T>(role: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    throw new MetadataRefusedError(role, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What the offline keys signed, as the records have it. @throws DamagedIndexError when they are not what their holders signed */
export async function recordedOffline(records: Records, roots: readonly RecordedRoot[]): Promise<Offline> {
  const root = roots.at(-1)?.bytes;
  if (!root) throw new DamagedIndexError('records', 'they hold no root');
  // As with root: what is being published comes before what is published.
  const row =
    (await records.read
      .selectFrom('prepared')
      .select(['bytes', 'sha256'])
      .where('role', '=', 'targets')
      .executeTakeFirst()) ??
    (await records.read
      .selectFrom('offline_roles')
      .innerJoin('roles', 'roles.role', 'offline_roles.role')
      .select(['offline_roles.bytes', 'roles.sha256'])
      .where('offline_roles.role', '=', 'targets')
      .executeTakeFirst());
  if (!row?.bytes) throw new DamagedIndexError('records', 'they hold no targets');
  assertUndamaged('targets', row.sha256, row.bytes);
  return { root, targets: row.bytes };
}
