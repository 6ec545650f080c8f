import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  type ClaimFact,
  binRoleJson,
  closedRoleJson,
  type Distribution,
  projectRole,
  type QuietFact,
  type SecurityModel,
  type Top,
  topDelegations,
  topsOf,
} from '@holdfast/trust';
import { parseRoot, parseTargets, rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import {
  type ExportItem,
  loadExport,
  type LoadedExport,
  mergeSignatures,
  type OfflineRole,
  planSigning,
  type SignedOffer,
  signPlan,
  type SigningOrder,
  type SigningPlan,
  writeExport,
} from '../../src/index.ts';

const DAY = 86_400_000;

/** What an index has published of what offline keys sign, and the keys of its holders, in memory. */
export interface World {
  roots: Uint8Array[];
  roles: Map<string, Uint8Array>;
  retired: Map<string, number>;
  readonly holders: Map<OfflineRole | 'online', LocalSigner[]>;
  readonly directory: string;
  now: Date;
}

export const keysOf = (signers: readonly Signer[]) => ({
  keyids: signers.map(({ key }) => key.keyid),
  threshold: Math.max(1, signers.length - 1),
});

export async function newWorld(t: TestContext, model: SecurityModel = 'maximum'): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-offline-'));
  t.after(() => rm(directory, { recursive: true }));
  const some = async (count: number): Promise<LocalSigner[]> =>
    Promise.all(Array.from({ length: count }, () => generateKey('ed25519')));
  const [root, targets, claimed, rarely, online] = await Promise.all([some(3), some(3), some(3), some(3), some(1)]);
  const now = new Date('2026-03-01T00:00:00.000Z');
  const expires = new Date(now.getTime() + 365 * DAY);
  const roots = [
    await signMetadata(
      rootJson({
        version: 1,
        expires,
        consistentSnapshot: true,
        keys: [...root, ...targets, ...online].map(({ key }) => key),
        roles: { root: keysOf(root), targets: keysOf(targets), snapshot: keysOf(online), timestamp: keysOf(online) },
      }),
      root,
    ),
  ];
  const held: Record<Top, LocalSigner[]> = {
    claimed,
    'rarely-updated': rarely,
    'recently-claimed': online,
    unclaimed: online,
  };
  const tops = topsOf(model);
  const delegations = {
    keys: new Map(tops.flatMap((top) => held[top]).map(({ key }) => [key.keyid, key])),
    roles: topDelegations(model, Object.fromEntries(tops.map((top) => [top, keysOf(held[top])]))),
  };
  const roles = new Map([
    ['targets', await signMetadata(targetsJson({ version: 1, expires, targets: new Map(), delegations }), targets)],
  ]);
  const tree = (top: 'claimed' | 'rarely-updated') => ({
    roleKeys: keysOf(held[top]),
    keys: new Map(held[top].map(({ key }) => [key.keyid, key])),
  });
  if (tops.includes('claimed')) {
    const json = binRoleJson('claimed', { prefix: '', projects: new Map() }, 1, expires, tree('claimed'));
    roles.set('claimed', await signMetadata(json, claimed));
  }
  if (tops.includes('rarely-updated')) {
    const json = binRoleJson('rarely-updated', { prefix: '', targets: new Map() }, 1, expires, tree('rarely-updated'));
    roles.set('rarely-updated', await signMetadata(json, rarely));
    roles.set('rarely-updated.closed', await signMetadata(closedRoleJson(1, expires), rarely));
  }
  const holders = new Map<OfflineRole | 'online', LocalSigner[]>(
    Object.entries({ root, targets, claimed, 'rarely-updated': rarely, online }) as [OfflineRole, LocalSigner[]][],
  );
  return { roots, roles, retired: new Map(), holders, directory, now };
}

/** Nothing changes but what `wish` says. */
export function orderOf(world: World, wish: Partial<SigningOrder> = {}): SigningOrder {
  const term = {
    expires: new Date(world.now.getTime() + 365 * DAY),
    renewBefore: new Date(world.now.getTime() + 90 * DAY),
  };
  return {
    now: world.now,
    publication: 7,
    model: 'maximum',
    holders: new Map(),
    terms: new Map((['root', 'targets', 'claimed', 'rarely-updated'] as const).map((role) => [role, term])),
    bulletin: undefined,
    ...wish,
  };
}

let files = 0;

/** Writes what an index would export. */
export async function exported(
  world: World,
  wish: Partial<SigningOrder>,
  items: readonly ExportItem[] = [],
): Promise<string> {
  const path = join(world.directory, `export-${files++}`);
  const byName = (a: [string, unknown], b: [string, unknown]): number => (a[0] < b[0] ? -1 : 1);
  await writeExport(path, [
    { kind: 'order', order: orderOf(world, wish) },
    ...world.roots.map((bytes) => ({ kind: 'root', bytes }) as const),
    ...[...world.roles].sort(byName).map(([role, bytes]) => ({ kind: 'role', role, bytes }) as const),
    ...[...world.retired].sort(byName).map(([role, version]) => ({ kind: 'retired', role, version }) as const),
    ...items,
  ]);
  return path;
}

export async function planned(path: string): Promise<{ loaded: LoadedExport; plan: SigningPlan }> {
  const loaded = await loadExport(path);
  return { loaded, plan: await planSigning(loaded) };
}

/** Every holder signs, each alone, and the offer is published. */
export async function publish(
  world: World,
  path: string,
  signers: readonly Signer[] = [...world.holders.values()].flat(),
): Promise<SignedOffer> {
  const { loaded, plan } = await planned(path);
  const files = [];
  for (const signer of signers) {
    const signatures = await signPlan(plan, [signer]).catch(() => []);
    files.push({ id: loaded.id, signatures });
  }
  const offer = await mergeSignatures(plan, loaded.id, files);
  if (offer.root) world.roots.push(offer.root);
  if (offer.targets) world.roles.set('targets', offer.targets);
  for (const role of offer.retired) {
    const before = world.roles.get(role);
    if (before) world.retired.set(role, parseTargets(before).signed.version);
    world.roles.delete(role);
  }
  for (const [role, bytes] of offer.roles) {
    if (role.startsWith('project.')) continue;
    world.roles.set(role, bytes);
    world.retired.delete(role);
  }
  return offer;
}

export interface ClaimFacts {
  readonly project: string;
  readonly signers: readonly LocalSigner[];
  readonly generation?: number;
}

/** Metadata of a project that nothing is in. */
export function projectMetadata(signers: readonly Signer[], version = 1): Promise<Uint8Array> {
  const expires = new Date('2028-01-01T00:00:00Z');
  return signMetadata(targetsJson({ version, expires, targets: new Map() }), signers);
}

export async function claimOf(
  { project: name, signers, generation = 1 }: ClaimFacts,
  more: Partial<ClaimFact> = {},
): Promise<ClaimFact> {
  const project = normalizeName(name);
  const keys = signers.map(({ key }) => key);
  const since = new Date('2026-02-20T00:00:00.000Z');
  return {
    project,
    role: projectRole(project, generation),
    keys,
    threshold: keys.length,
    account: 'ann',
    since,
    inForce: true,
    metadata: await projectMetadata(signers),
    events: [{ kind: 'claim', at: since, keys, threshold: keys.length }],
    files: 1,
    firstUpload: since,
    ...more,
  };
}

export function quietOf(name: string, versions: readonly string[]): QuietFact {
  const project: ProjectName = normalizeName(name);
  const uploadTime = new Date('2024-05-06T07:08:09.012Z');
  const files = versions.map((version): Distribution => {
    const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
    return { project, filename, sha256: version.padEnd(64, '0').replace(/[^0-9]/g, 'a'), size: 10, uploadTime };
  });
  return { project, files: files.sort((a, b) => (a.filename < b.filename ? -1 : 1)), lastUpload: uploadTime };
}

export const rootOf = (world: World) => parseRoot(world.roots.at(-1) ?? new Uint8Array()).signed;
