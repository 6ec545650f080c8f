import { CLAIMED, CLOSED, closedRoleJson, forIndex, RARELY_UPDATED, topsOf, type TreeKeys } from '@holdfast/trust';
import type { JsonObject } from '@holdfast/tuf';
import { ExportRefusedError } from '../errors.ts';
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
import { holdersOf, needOf, type NextRole, termOf } from './next-role.ts';
import { planTree } from './plan-tree.ts';
import { type NextQuiet, planQuiet } from './quiet.ts';

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
  // The holders may have the same keys for another index.
  const named = (role: NextRole): NextRole => ({ ...role, json: () => forIndex(role.json(), present.fingerprint) });
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
  return { roles: roles.map(named), retired: retired.sort(), copies: claims.copies, claims, quiet };
}

function claimedProjects({ present, claims }: LoadedExport): number {
  return (present.trees.get(CLAIMED)?.tree.projects.size ?? 0) + claims.filter(({ claim }) => claim.inForce).length;
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
