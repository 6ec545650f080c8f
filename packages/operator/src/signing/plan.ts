import { CLAIMED, CLOSED, closedRoleJson, RARELY_UPDATED, topsOf, type TreeKeys } from '@holdfast/trust';
import type { JsonObject, PublicKey, RoleKeys } from '@holdfast/tuf';
import { ExportRefusedError } from '../errors.ts';
import type { Holders, OfflineRole } from '../holders.ts';
import { type NextClaims, planClaims } from './claims.ts';
import type { LoadedExport } from './load.ts';
import {
  changesDelegations,
  nextDelegations,
  nextExtra,
  nextRootEditor,
  nextTargetsJson,
  rootHolders,
  sameHolders,
  treeHolders,
} from './next-roles.ts';
import { planTree } from './plan-tree.ts';
import { type NextQuiet, planQuiet } from './quiet.ts';

/** One role as it is to be signed. */
export interface NextRole {
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  /** Whose holders sign it. */
  readonly holder: OfflineRole;
  /** Who has to sign; root under two sets, its old and its new one (TUF 1.0.34 §5.3.4). */
  readonly needs: readonly Need[];
  /** Why it is signed. */
  readonly why: 'new' | 'changed' | 'renewed';
  /** Its `signed` part; made anew each time, so that many roles need little memory. */
  json(): JsonObject;
}

export interface Need {
  readonly roleKeys: RoleKeys;
  readonly keys: ReadonlyMap<string, PublicKey>;
}

/** Everything that follows from an export: the same for everyone who reads it. */
export interface SigningPlan {
  /** In the order in which they are signed. */
  readonly roles: readonly NextRole[];
  /** Roles that leave the index. */
  readonly retired: readonly string[];
  /** Files that go out under another name, byte for byte. */
  readonly copies: ReadonlyMap<string, Uint8Array>;
  readonly claims: NextClaims;
  readonly quiet: NextQuiet;
}

/** What is to be signed: a pure function of the export. @throws ExportRefusedError, HoldersError */
export async function planSigning(loaded: LoadedExport): Promise<SigningPlan> {
  const { order, present } = loaded;
  const tops = topsOf(order.model);
  if (!tops.includes(CLAIMED) && claimedProjects(loaded) > 0)
    throw new ExportRefusedError(`the model ${order.model} would take projects from the developers who claimed them`);
  const claims = await planClaims(loaded);
  const quiet = planQuiet(loaded, claims);
  const roles = [...planRoot(loaded), ...planTargets(loaded)];
  const retired = [...claims.retired];
  for (const [top, next] of [
    [CLAIMED, claims],
    [RARELY_UPDATED, quiet],
  ] as const) {
    const tree = present.trees.get(top);
    if (tops.includes(top)) {
      const keys = needOf(treeHolders(present, order, top));
      const step = planTree({ loaded, top, keys, content: next.content, touched: next.touched });
      roles.push(...step.roles);
      retired.push(...step.retired);
      if (top === RARELY_UPDATED) roles.push(...planClosed(loaded, keys));
    } else if (tree) {
      retired.push(...tree.versions.keys(), ...(tree.closed ? [CLOSED] : []));
    }
  }
  return { roles, retired: retired.sort(), copies: claims.copies, claims, quiet };
}

function claimedProjects({ present, claims }: LoadedExport): number {
  return (present.trees.get(CLAIMED)?.tree.projects.size ?? 0) + claims.filter(({ claim }) => claim.inForce).length;
}

export function needOf({ keys, threshold }: Holders): TreeKeys {
  return {
    roleKeys: { keyids: keys.map(({ keyid }) => keyid), threshold },
    keys: new Map(keys.map((key) => [key.keyid, key])),
  };
}

/** How long a role is good, and whether the present one has to be signed again for its age. */
export function termOf({ order }: LoadedExport, role: OfflineRole): { expires: Date; isDue(present: Date): boolean } {
  const term = order.terms.get(role);
  if (!term) throw new ExportRefusedError(`it does not say how long ${role} is to be good`);
  if (term.expires <= order.now) throw new ExportRefusedError(`${role} would have expired when it is signed`);
  return { expires: term.expires, isDue: (present) => present < term.renewBefore };
}

function planRoot(loaded: LoadedExport): NextRole[] {
  const { present, order } = loaded;
  const { version, expires: until, keys, roles } = present.root.signed;
  const { editor, changed } = nextRootEditor(present, order);
  const { expires, isDue } = termOf(loaded, 'root');
  if (!changed && !isDue(until)) return [];
  const before = roles.get('root');
  const needs = [...(before ? [{ roleKeys: before, keys }] : []), needOf(rootHolders(present, order, 'root'))];
  const json = (): JsonObject => editor.build(version + 1, expires);
  return [
    { role: 'root', version: version + 1, expires, holder: 'root', needs, why: changed ? 'changed' : 'renewed', json },
  ];
}

function planTargets(loaded: LoadedExport): NextRole[] {
  const { present, order } = loaded;
  const { signed } = present.targets;
  const delegations = nextDelegations(present, order);
  const extra = nextExtra(signed, order);
  const holders = rootHolders(present, order, 'targets');
  const today = rootHolders(present, { ...order, holders: new Map() }, 'targets');
  const { expires, isDue } = termOf(loaded, 'targets');
  const changed =
    changesDelegations(signed, delegations) || extra !== signed.unrecognized || !sameHolders(today, holders);
  if (!changed && !isDue(signed.expires)) return [];
  const version = signed.version + 1;
  const json = (): JsonObject => nextTargetsJson(delegations, extra, version, expires);
  const why = changed ? 'changed' : 'renewed';
  return [{ role: 'targets', version, expires, holder: 'targets', needs: [needOf(holders)], why, json }];
}

function planClosed(loaded: LoadedExport, keys: TreeKeys): NextRole[] {
  const tree = loaded.present.trees.get(RARELY_UPDATED);
  const { expires, isDue } = termOf(loaded, RARELY_UPDATED);
  const present = tree?.closed;
  const rekeyed = tree !== undefined && !sameHolders(holdersOf(tree.keys), holdersOf(keys));
  if (present && !rekeyed && !isDue(present.expires)) return [];
  const version = (present?.version ?? loaded.retired.get(CLOSED) ?? 0) + 1;
  const json = (): JsonObject => closedRoleJson(version, expires);
  const why = present ? (rekeyed ? 'changed' : 'renewed') : 'new';
  return [{ role: CLOSED, version, expires, holder: RARELY_UPDATED, needs: [keys], why, json }];
}

export function holdersOf({ roleKeys, keys }: TreeKeys): Holders {
  return { keys: [...keys.values()], threshold: roleKeys.threshold };
}
