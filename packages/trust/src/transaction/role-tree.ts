import { checkSignatures, type Metadata, parseTargets, type PublicKey, type Targets } from '@holdfast/tuf';
import { comparisonBudget } from '../pattern-containment.ts';
import { projectPattern } from '../project-role.ts';
import type { Authority } from './authority.ts';
import { checkDelegatedKeys, type DelegatedTo, delegationsOf } from './delegations.ts';
import { Reach } from './files.ts';
import { checkIndex } from './check-index.ts';
import { MAX_DELEGATIONS_OF_PROJECT } from './limits.ts';
import { checkVersionAndExpiry, readRole } from './read-role.ts';
import { TransactionRefusedError } from './refused.ts';
import { checkAllSignatures } from './signatures.ts';
import type { ProjectState, ProjectTransaction, WaitingFor } from './transaction.ts';

/** A role as it is after the transaction. */
export interface RoleAfter {
  readonly role: string;
  readonly metadata: Metadata<Targets>;
  /** Whether the transaction brings it. */
  readonly isNew: boolean;
  /** Which files it may list. */
  readonly reach: Reach;
}

/** A role that is delegated to and that nobody has signed yet. */
export interface UnsignedRole {
  readonly role: string;
  readonly reach: Reach;
  /** How many of {@link RolesAfter.roles} a search visits before it. */
  readonly after: number;
}

/** All roles that the project's own one leads to, in the order of the search. */
export interface RolesAfter {
  readonly roles: readonly RoleAfter[];
  readonly unsigned: readonly UnsignedRole[];
  readonly waiting: ReadonlyMap<string, WaitingFor>;
  /** Valid signatures of new versions. */
  readonly signatures: number;
}

interface Walk {
  readonly state: ProjectState;
  readonly transaction: ProjectTransaction;
  readonly now: Date;
  readonly former: ReadonlyMap<string, PublicKey>;
  readonly roles: RoleAfter[];
  readonly unsigned: UnsignedRole[];
  readonly waiting: Map<string, WaitingFor>;
  signatures: number;
}

/**
 * Follows the delegations of the project from its own role on, with the new versions in their places: each is verified with the keys
 * that the role above it lists.
 * @throws TransactionRefusedError
 */
export async function rolesAfter(
  state: ProjectState,
  transaction: ProjectTransaction,
  authority: Authority,
  now: Date,
): Promise<RolesAfter> {
  const walk: Walk = {
    state,
    transaction,
    now,
    former: authority.former,
    roles: [],
    unsigned: [],
    waiting: new Map(),
    signatures: 0,
  };
  const { role: name, keys, threshold } = authority;
  const budget = comparisonBudget();
  const pending: (readonly [DelegatedTo, Reach])[] = [
    [{ name, keys, threshold, paths: [projectPattern(state.project)] }, Reach.all],
  ];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [to, reach] = next;
    const after = await roleAfter(walk, to, reach);
    if (!after) {
      walk.unsigned.push({ role: to.name, reach, after: walk.roles.length });
      continue;
    }
    walk.roles.push(after);
    const place = { project: state.project, role: to.name, paths: to.paths, budget };
    const delegated = delegationsOf(after.metadata.signed, place);
    if (after.isNew) await checkDelegatedKeys(to.name, after.metadata.signed, delegated);
    const count = walk.roles.length + walk.unsigned.length + pending.length + delegated.length;
    if (count > 1 + MAX_DELEGATIONS_OF_PROJECT)
      throw new TransactionRefusedError(
        'TOO_MANY_DELEGATIONS',
        to.name,
        `the project would have more than ${MAX_DELEGATIONS_OF_PROJECT} delegations, at all depths: clients would not search them all. Remove some.`,
      );
    for (const child of delegated.toReversed()) pending.push([child, reach.through(child.paths)]);
  }
  const { roles, unsigned, waiting, signatures } = walk;
  return { roles, unsigned, waiting, signatures };
}

async function roleAfter(walk: Walk, to: DelegatedTo, reach: Reach): Promise<RoleAfter | undefined> {
  const { state, transaction } = walk;
  const role = to.name;
  const bytes = transaction.roles.get(role);
  const present = state.roles.get(role);
  if (bytes) return { role, metadata: await newVersion(walk, to, bytes, present), isNew: true, reach };
  if (!present) {
    // Whom the project delegates to signs when there is something to sign; clients list the project without them.
    if (reach !== Reach.all) return undefined;
    throw new TransactionRefusedError(
      'ROLE_MISSING',
      role,
      'there is no metadata of it: clients would stop there. Send its first version along, which may be empty.',
    );
  }
  const metadata = parseTargets(present);
  const { valid } = await checkSignatures(metadata, to.keys, { keyids: [...to.keys.keys()], threshold: to.threshold });
  if (valid < to.threshold)
    throw new TransactionRefusedError(
      'ROLE_UNSIGNED',
      role,
      `its present version has ${valid} signatures by the keys that it would have, and needs ${to.threshold}. Send its next version along, signed by them.`,
    );
  return { role, metadata, isNew: false, reach };
}

async function newVersion(
  walk: Walk,
  { name: role, keys, threshold }: DelegatedTo,
  bytes: Uint8Array,
  present: Uint8Array | undefined,
): Promise<Metadata<Targets>> {
  const metadata = readRole(role, bytes);
  const last = present ? parseTargets(present).signed.version : (walk.state.retired?.get(role) ?? 0);
  checkIndex(role, metadata.signed.unrecognized, walk.state.index);
  checkVersionAndExpiry(role, metadata.signed, last + 1, walk.now);
  await checkAllSignatures(role, metadata, keys, walk.former);
  const { keyids, valid } = await checkSignatures(metadata, keys, { keyids: [...keys.keys()], threshold });
  if (valid < threshold) walk.waiting.set(role, { signed: keyids, threshold });
  walk.signatures += valid;
  return metadata;
}
