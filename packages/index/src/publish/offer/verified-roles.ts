import {
  binPrefix,
  type BinRole,
  CLAIMED,
  CLOSED,
  parseProjectRole,
  RARELY_UPDATED,
  readBin,
  type SecurityModel,
  modelOf,
  topsOf,
} from '@holdfast/trust';
import { parseTargets, type RoleKeys, type Targets, TufError, verifySignatures } from '@holdfast/tuf';
import { BinTreeError } from '@holdfast/trust';
import { MetadataRefusedError } from '../../errors.ts';
import type { RoleTable } from '../role-table.ts';
import { signedRole, type SignedRole } from '../sign-roles.ts';

/** Tops of the bin trees that holders of offline keys sign. */
export type OfflineTop = typeof CLAIMED | typeof RARELY_UPDATED;
export const OFFLINE_TOPS: readonly OfflineTop[] = [CLAIMED, RARELY_UPDATED];

/** Roles that came with an offer, each with the signatures that it needs. */
export interface VerifiedRoles {
  readonly model: SecurityModel;
  /** Who signs the trees. */
  readonly holders: ReadonlyMap<OfflineTop, RoleKeys>;
  readonly roles: readonly SignedRole[];
  /** The offered roles of each tree, by prefix. */
  readonly bins: ReadonlyMap<OfflineTop, ReadonlyMap<string, BinRole>>;
  /** Metadata of projects that is to have a new name, by that name. Who signs it is said by the tree. */
  readonly copies: ReadonlyMap<string, SignedRole>;
}

/** The tree that a role belongs to. */
export function offlineTopOf(role: string): OfflineTop | undefined {
  if (role === CLOSED) return RARELY_UPDATED;
  return OFFLINE_TOPS.find((top) => binPrefix(top, role) !== undefined);
}

/** Who signs the offline trees, as `targets` says. @throws MetadataRefusedError when it makes none of the models */
export function offlineHolders(targets: Targets): { model: SecurityModel; holders: Map<OfflineTop, RoleKeys> } {
  const model = modelOf(targets);
  if (!model) throw new MetadataRefusedError('targets', 'its delegations are those of none of the security models');
  const holders = new Map<OfflineTop, RoleKeys>();
  for (const role of targets.delegations?.roles ?? []) {
    const top = OFFLINE_TOPS.find((name) => name === role.name && topsOf(model).includes(name));
    if (top) holders.set(top, { keyids: role.keyids, threshold: role.threshold });
  }
  return { model, holders };
}

/**
 * Verifies each role by itself: signed by the keys that the targets beside it name, next in its versions, not expired.
 * @throws MetadataRefusedError
 */
export async function verifyRoles(
  offered: ReadonlyMap<string, Uint8Array>,
  targets: Targets,
  table: Pick<RoleTable, 'nextVersion' | 'version'>,
  now: Date,
): Promise<VerifiedRoles> {
  const { model, holders } = offlineHolders(targets);
  const roles: SignedRole[] = [];
  const bins = new Map(OFFLINE_TOPS.map((top) => [top, new Map<string, BinRole>()]));
  const copies = new Map<string, SignedRole>();
  for (const [role, bytes] of offered) {
    const signed = await refusing(role, async () => parseTargets(bytes));
    const { version, expires } = signed.signed;
    const made = signedRole(role, version, expires, bytes);
    roles.push(made);
    if (parseProjectRole(role)) {
      if (table.nextVersion(role) !== 1) throw new MetadataRefusedError(role, 'there is such a role already');
      copies.set(role, made);
      continue;
    }
    const top = offlineTopOf(role);
    const holder = top && holders.get(top);
    if (!top || !holder) throw new MetadataRefusedError(role, 'targets leads to no such role');
    await refusing(role, () => verifySignatures(signed, targets.delegations?.keys ?? new Map(), holder, role));
    const next = table.nextVersion(role);
    if (version !== next) throw new MetadataRefusedError(role, `it has version ${version}, ${next} is next`);
    if (expires <= now) throw new MetadataRefusedError(role, `it expired on ${expires.toISOString()}`);
    if (role === CLOSED) checkClosed(signed.signed);
    else bins.get(top)?.set(...(await binOf(top, role, signed.signed, holder)));
  }
  return { model, holders, roles, bins, copies };
}

function binOf(top: OfflineTop, role: string, signed: Targets, holder: RoleKeys): Promise<[string, BinRole]> {
  const prefix = binPrefix(top, role) ?? '';
  return refusing(role, async () => [prefix, readBin(top, prefix, signed, holder)]);
}

function checkClosed({ targets, delegations }: Targets): void {
  if (targets.size > 0 || delegations) throw new MetadataRefusedError(CLOSED, 'it should say nothing');
}

/** What is wrong with metadata is said as a refusal of it. */
export async function refusing<T>(role: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TufError || error instanceof BinTreeError)) throw error;
    throw new MetadataRefusedError(role, error.message, { cause: error });
  }
}
