import type { ProjectSigning } from '@holdfast/installer';
import {
  type Distribution,
  decodeTarget,
  parseProjectRole,
  type ProjectTransaction,
  rotationRole,
} from '@holdfast/trust';
import {
  type DelegatedRole,
  isRevocation,
  type Metadata,
  parseRotation,
  parseTargets,
  type PublicKey,
  type Rotation,
  type Targets,
} from '@holdfast/tuf';
import { ProjectStateError } from '../errors.ts';

/** What a transaction that waits would change, compared with what verified metadata says now. */
export interface TransactionView {
  readonly claim: { readonly keys: readonly string[]; readonly threshold: number } | undefined;
  readonly rotation: { readonly keys: readonly string[]; readonly threshold: number } | 'revocation' | undefined;
  readonly roles: readonly RoleView[];
}

export interface RoleView {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  readonly added: readonly Distribution[];
  readonly removed: readonly string[];
  /** Files whose yanked state changes, as it will be. */
  readonly yanked: readonly Distribution[];
  readonly delegated: readonly DelegatedRole[];
  readonly undelegated: readonly string[];
  /** Signs what is published already, for longer. */
  readonly isRenewal: boolean;
}

/** @throws FormatError, InvalidTargetError, ProjectStateError when it is about something else than this project */
export function describeTransaction(signing: ProjectSigning, transaction: ProjectTransaction): TransactionView {
  const { claim, rotation, roles } = transaction;
  const view: TransactionView = {
    claim: claim && { keys: [...claim.keys.keys()], threshold: claim.threshold },
    rotation: rotation && rotationView(parseRotation(rotation).signed),
    roles: [...roles].map(([role, bytes]) => roleView(signing, role, parseTargets(bytes).signed)),
  };
  checkOwn(signing, view);
  return view;
}

/** The index brings what is to be signed: it may only name what a project has, in characters that cannot steer a terminal. */
function checkOwn({ name }: ProjectSigning, { claim, rotation, roles }: TransactionView): void {
  const isOwn = (role: string): boolean => parseProjectRole(role)?.project === name;
  const delegated = roles.flatMap((role) => role.delegated);
  const keyids = [
    ...(claim?.keys ?? []),
    ...(rotation === undefined || rotation === 'revocation' ? [] : rotation.keys),
    ...delegated.flatMap((role) => role.keyids),
  ];
  const isSound =
    keyids.every((keyid) => /^[0-9a-f]{64}$/.test(keyid)) &&
    delegated.every(
      ({ name: role, paths = [] }) => isOwn(role) && paths.every((path) => /^[\x21-\x7e]+$/.test(path)),
    ) &&
    roles.every(({ role, undelegated }) => isOwn(role) && undelegated.every(isOwn));
  if (isSound) return;
  throw new ProjectStateError(
    `what waits for ${name} names something that is not part of ${name}`,
    'Sign nothing of it, and tell the people who run the index.',
  );
}

function rotationView(rotation: Rotation): NonNullable<TransactionView['rotation']> {
  if (isRevocation(rotation)) return 'revocation';
  return { keys: [...rotation.keys.keys()], threshold: rotation.threshold };
}

function roleView(signing: ProjectSigning, role: string, next: Targets): RoleView {
  const before = signing.roles.find((known) => known.role === role)?.signed;
  const present = new Map([...(before?.targets ?? [])].map(([path, file]) => [path, decodeTarget(path, file)]));
  const listed = new Map([...next.targets].map(([path, file]) => [path, decodeTarget(path, file)]));
  const added = [...listed].filter(([path, { sha256 }]) => present.get(path)?.sha256 !== sha256);
  const removed = [...present].filter(([path]) => !listed.has(path));
  const yanked = [...listed].filter(
    ([path, { yanked: now }]) => present.has(path) && present.get(path)?.yanked !== now,
  );
  const delegations = changedDelegations(before?.delegations?.roles ?? [], next.delegations?.roles ?? []);
  const changes = [added, removed, yanked, delegations.delegated, delegations.undelegated];
  return {
    role,
    version: next.version,
    expires: next.expires,
    added: added.map(([, file]) => file),
    removed: removed.map(([, { filename }]) => filename),
    yanked: yanked.map(([, file]) => file),
    ...delegations,
    isRenewal: changes.every(({ length }) => length === 0),
  };
}

function changedDelegations(
  before: readonly DelegatedRole[],
  after: readonly DelegatedRole[],
): Pick<RoleView, 'delegated' | 'undelegated'> {
  const text = ({ name, keyids, threshold, paths = [] }: DelegatedRole): string =>
    JSON.stringify([name, [...keyids].sort(), threshold, [...paths].sort()]);
  const known = new Set(before.map(text));
  const names = new Set(after.map(({ name }) => name));
  return {
    delegated: after.filter((role) => !known.has(text(role))),
    undelegated: before.flatMap(({ name }) => (names.has(name) ? [] : [name])),
  };
}

/** Who may sign a part of a transaction, once it is published. */
export interface Part {
  /** A role, or the entry of a rotate file. */
  readonly name: string;
  readonly metadata: Metadata<unknown>;
  readonly keys: ReadonlyMap<string, PublicKey>;
}

/** The parts of a transaction, each with the keys whose signatures it needs some of. */
export function partsOf(signing: ProjectSigning, { claim, rotation, roles }: ProjectTransaction): readonly Part[] {
  const [own] = signing.roles;
  const rotated = rotation && parseRotation(rotation);
  const ownKeys = claim?.keys ?? rotated?.signed.keys ?? own?.keys ?? new Map<string, PublicKey>();
  const parsed = new Map([...roles].map(([role, bytes]) => [role, parseTargets(bytes)]));
  const parts: Part[] = [...parsed].map(([role, metadata]) => ({
    name: role,
    metadata,
    keys: keysBelow(signing, parsed, role) ?? ownKeys,
  }));
  if (!rotated || !own) return parts;
  const name = rotationRole(rotated.signed.role, rotated.signed.version);
  return [{ name, metadata: rotated, keys: own.keys }, ...parts];
}

/** The keys that the role above delegates to; `undefined` for a project's own role. */
function keysBelow(
  { roles }: ProjectSigning,
  parsed: ReadonlyMap<string, Metadata<Targets>>,
  role: string,
): ReadonlyMap<string, PublicKey> | undefined {
  const { labels = [] } = parseProjectRole(role) ?? {};
  if (labels.length === 0) return undefined;
  const parent = role.slice(0, role.lastIndexOf('.'));
  const delegations =
    parsed.get(parent)?.signed.delegations ?? roles.find((known) => known.role === parent)?.signed?.delegations;
  const keyids = delegations?.roles.find(({ name }) => name === role)?.keyids ?? [];
  return new Map([...(delegations?.keys ?? [])].filter(([keyid]) => keyids.includes(keyid)));
}
