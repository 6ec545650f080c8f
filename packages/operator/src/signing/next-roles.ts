import {
  bulletinMember,
  RECENTLY_CLAIMED,
  type SecurityModel,
  type Top,
  topDelegations,
  topsOf,
  UNCLAIMED,
} from '@holdfast/trust';
import {
  type Delegations,
  type JsonObject,
  type PublicKey,
  RootEditor,
  type RoleKeys,
  type Targets,
  targetsJson,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from '@holdfast/tuf';
import { HoldersError } from '../errors.ts';
import type { SigningOrder } from '../export/model.ts';
import { assertReachable, type HolderRole, type Holders } from '../holders.ts';
import type { Present } from './present.ts';

const HOLDER_OF: Readonly<Record<TopLevelRole | Top, HolderRole>> = {
  root: 'root',
  targets: 'targets',
  timestamp: 'online',
  snapshot: 'online',
  claimed: 'claimed',
  'rarely-updated': 'rarely-updated',
  'recently-claimed': 'online',
  unclaimed: 'online',
};

/** Who signs a top-level role from now on: as the order says, or as today. @throws HoldersError */
export function rootHolders({ root }: Present, order: SigningOrder, role: TopLevelRole): Holders {
  const today = holdersIn(root.signed.keys, root.signed.roles.get(role));
  return checkedHolders(role, order.holders.get(HOLDER_OF[role]) ?? today);
}

/** Who signs a tree from now on: as the order says, or as today. A new online tree is signed as the other one. @throws HoldersError */
export function treeHolders({ targets }: Present, order: SigningOrder, top: Top): Holders {
  const { keys, roles } = targets.signed.delegations ?? { keys: new Map(), roles: [] };
  const today = (name: Top): Holders | undefined =>
    holdersIn(
      keys,
      roles.find((role) => role.name === name),
    );
  const like = top === RECENTLY_CLAIMED ? today(UNCLAIMED) : undefined;
  return checkedHolders(top, order.holders.get(HOLDER_OF[top]) ?? today(top) ?? like);
}

function holdersIn(keys: ReadonlyMap<string, PublicKey>, role: RoleKeys | undefined): Holders | undefined {
  if (!role) return undefined;
  return { keys: role.keyids.flatMap((keyid) => keys.get(keyid) ?? []), threshold: role.threshold };
}

function checkedHolders(role: string, holders: Holders | undefined): Holders {
  if (!holders) throw new HoldersError(`nobody holds keys for ${role}`);
  assertReachable(role, holders);
  return { keys: [...holders.keys].sort((a, b) => (a.keyid < b.keyid ? -1 : 1)), threshold: holders.threshold };
}

/** The next root; `undefined` when its holders are the present ones. */
export function nextRootEditor(present: Present, order: SigningOrder): { editor: RootEditor; changed: boolean } {
  const editor = new RootEditor(present.root.signedBytes);
  const { roles, keys } = present.root.signed;
  const changed = TOP_LEVEL_ROLES.filter(
    (role) => !sameHolders(holdersIn(keys, roles.get(role)), rootHolders(present, order, role)),
  );
  for (const role of changed) editor.setKeys(role, rootHolders(present, order, role));
  return { editor, changed: changed.length > 0 };
}

/** What targets is to delegate. @throws HoldersError */
export function nextDelegations(present: Present, order: SigningOrder): Delegations {
  const keys = new Map<string, PublicKey>();
  const model: SecurityModel = order.model;
  const tops = topsOf(model).map((top) => {
    const own = treeHolders(present, order, top);
    for (const key of own.keys) keys.set(key.keyid, key);
    return [top, { keyids: own.keys.map(({ keyid }) => keyid), threshold: own.threshold }] as const;
  });
  return { keys, roles: topDelegations(model, Object.fromEntries(tops)) };
}

/** Whether targets delegates otherwise than it is to. */
export function changesDelegations({ delegations }: Targets, next: Delegations): boolean {
  const told = (of: Delegations): string =>
    JSON.stringify(of.roles.map(({ name, keyids, threshold }) => [name, [...keyids].sort(), threshold]));
  return !delegations || told(delegations) !== told(next);
}

/** What targets says besides its delegations. */
export function nextExtra({ unrecognized }: Targets, { bulletin }: SigningOrder): JsonObject {
  if (bulletin === undefined) return unrecognized;
  const others = [...unrecognized].filter(([name]) => name !== 'bulletin');
  return new Map([...others, ...(bulletin ? bulletinMember(bulletin) : [])]);
}

export function nextTargetsJson(
  delegations: Delegations,
  extra: JsonObject,
  version: number,
  expires: Date,
): JsonObject {
  return targetsJson({ version, expires, targets: new Map(), delegations, extra });
}

export function sameHolders(a: Holders | undefined, b: Holders | undefined): boolean {
  if (!a || !b) return a === b;
  const ids = ({ keys }: Holders): string =>
    keys
      .map(({ keyid }) => keyid)
      .sort()
      .join();
  return a.threshold === b.threshold && ids(a) === ids(b);
}
