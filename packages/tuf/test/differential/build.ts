import type { CaseRequest, StepRequest } from '../peers/protocol.ts';
import { request, stepOf } from './cases.ts';
import { Draft, keyAt, keyTable, roleDraft, sha256, targetEntry, TOP_LEVEL, type TopLevel } from './draft.ts';
import type { TestKey } from './keys.ts';
import { applyMove } from './moves.ts';
import { GENERAL_ODDITIES } from './oddities.ts';
import type { EdgePlan, Holders, Plan, RolePlan } from './plan.ts';
import { raw, rawObject, type Raw, type RawObject } from './raw-json.ts';

/** The repository that a plan describes, as it stands at each step. */
export function buildCase(plan: Plan): CaseRequest {
  const draft = draftOf(plan);
  draft.publishRoot();
  draft.publish();
  const trusted = draft.files.get('1.root.json');
  const steps: StepRequest[] = [stepOf(draft, plan.lookups)];
  for (const move of plan.moves) {
    applyMove(draft, move);
    steps.push(stepOf(draft, plan.lookups));
  }
  return request(trusted, steps);
}

function draftOf(plan: Plan): Draft {
  const holdersOf = (name: TopLevel): readonly TestKey[] => plan.top[name].keys.map(keyAt);
  const draft = new Draft({
    root: holdersOf('root'),
    timestamp: holdersOf('timestamp'),
    snapshot: holdersOf('snapshot'),
    targets: holdersOf('targets'),
  });
  draft.consistentSnapshot = plan.consistentSnapshot;
  draft.metaHashes = plan.metaHashes;
  draft.layout = plan.layout;
  const oddity = GENERAL_ODDITIES[plan.odd?.oddity ?? -1];
  if (plan.odd !== undefined && oddity !== undefined) draft.distortion = { kind: plan.odd.kind, by: oddity.by };
  for (const name of TOP_LEVEL) draft.thresholds[name] = plan.top[name].threshold;
  const [first, ...others] = plan.roles;
  if (first !== undefined) draft.top.targets.body = bodyOf(plan, first, 0);
  others.forEach((role, index) => {
    draft.delegated.set(role.name, roleDraft(bodyOf(plan, role, index + 1), signersOf(plan, index + 1)));
  });
  plan.roles.forEach((role, index) => addBins(draft, plan, role, index));
  return draft;
}

/** Every key that some parent lists for the role, but for those that do not sign. */
function signersOf(plan: Plan, child: number): readonly TestKey[] {
  const edges = plan.roles.flatMap(({ edges, bins }) => (bins === undefined ? edges : []));
  return edges.filter((edge) => edge.child === child).flatMap(({ holders }) => signing(holders));
}

function signing({ keys, absent }: Holders): readonly TestKey[] {
  return keys.slice(absent).map(keyAt);
}

function bodyOf(plan: Plan, role: RolePlan, index: number): RawObject {
  const targets = targetsOf(role.targets, index);
  if (role.bins !== undefined) return rawObject({ targets, delegations: binsOf(role.bins, index) });
  if (role.edges.length === 0) return rawObject({ targets });
  const keys = role.edges.flatMap(({ holders }) => holders.keys.map(keyAt));
  const aliases = role.edges.filter(({ alias }) => alias).map(({ holders }) => aliasOf(keyAt(holders.keys[0] ?? 0)));
  const roles = role.edges.map((edge) => edgeJson(edge, plan.roles[edge.child]?.name ?? ''));
  return rawObject({ targets, delegations: { keys: keyTable([...keys, ...aliases]), roles } });
}

/** The length says which role and which path of its own: no two are alike. */
function targetsOf(listed: readonly string[], index: number): Raw {
  return raw(new Map(listed.map((path, position) => [path, targetEntry((index + 1) * 100 + position)])));
}

function edgeJson(edge: EdgePlan, name: string): Raw {
  const { keys, threshold } = edge.holders;
  const alias = edge.alias ? [aliasOf(keyAt(keys[0] ?? 0)).keyid] : [];
  return raw({
    name,
    keyids: [...keys.map((key) => keyAt(key).keyid), ...alias],
    threshold,
    terminating: edge.terminating,
    ...(edge.patterns === undefined
      ? { path_hash_prefixes: edge.hashed.map((path) => sha256(Buffer.from(path)).slice(0, edge.digits)) }
      : { paths: edge.patterns }),
  });
}

export function aliasOf(key: TestKey): TestKey {
  return { ...key, keyid: `also ${key.keyid}` };
}

const BIN_KEY = 5;

function binsOf({ bits, prefix }: { bits: number; prefix: string }, index: number): Raw {
  const keys = [keyAt(BIN_KEY)];
  const succinct = {
    keyids: keys.map(({ keyid }) => keyid),
    threshold: 1,
    bit_length: bits,
    name_prefix: `${prefix}${index}`,
  };
  return raw({ keys: keyTable(keys), succinct_roles: succinct });
}

/** Each bin lists every path that is looked up, also those that are not its own. */
function addBins(draft: Draft, plan: Plan, { bins }: RolePlan, index: number): void {
  if (bins === undefined) return;
  const width = Math.ceil(bins.bits / 4);
  for (let bin = 0; bin < 2 ** bins.bits; bin++) {
    const name = `${bins.prefix}${index}-${bin.toString(16).padStart(width, '0')}`;
    const targets = targetsOf(plan.lookups.slice(0, 5), (index + 1) * 100 + bin);
    draft.delegated.set(name, roleDraft(new Map([['targets', targets]]), [keyAt(BIN_KEY)]));
  }
}

/** As the directed case of the same oddity is called. */
export function oddName({ odd }: Plan): string {
  return odd === undefined ? '' : `${GENERAL_ODDITIES[odd.oddity]?.name} in ${odd.kind}`;
}
