import { hash } from 'node:crypto';
import { normalizeName } from '@holdfast/python-index';
import type { ExportItem } from '@holdfast/operator';
import {
  binRoleJson,
  closedRoleJson,
  type Distribution,
  encodeTarget,
  projectRole,
  type TargetPath,
  type Top,
  topDelegations,
} from '@holdfast/trust';
import { rootJson, signMetadata, type Signer, type TargetFile, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';

/** Two holders of offline keys and an index in which many projects were claimed by as many developers. */
export interface Claims {
  readonly online: LocalSigner;
  /** One for each holder: the same key stands for all offline roles. */
  readonly holders: readonly LocalSigner[];
  items(): AsyncGenerator<ExportItem>;
}

const DAY_MS = 86_400_000;
const now = new Date('2026-03-01T00:00:00.000Z');
const expires = new Date(now.getTime() + 365 * DAY_MS);
const since = new Date('2026-02-10T00:00:00.000Z');

export async function claims(count: number): Promise<Claims> {
  const [online, ...holders] = await Promise.all([0, 1, 2].map(() => generateKey('ed25519')));
  if (!online) throw new TypeError('no key');
  return { online, holders, items: () => itemsOf(count, online, holders) };
}

async function* itemsOf(count: number, online: Signer, holders: readonly Signer[]): AsyncGenerator<ExportItem> {
  const term = { expires, renewBefore: new Date(now.getTime() + 90 * DAY_MS) };
  const terms = new Map((['root', 'targets', 'claimed', 'rarely-updated'] as const).map((role) => [role, term]));
  const order = { now, publication: 5, model: 'maximum', holders: new Map(), terms, bulletin: undefined } as const;
  yield { kind: 'order', order };
  yield* presentItems(online, holders);
  const names = Array.from({ length: count }, (_, at) => normalizeName(`claimed-project-${at}`)).sort();
  for (const project of names) {
    const developer = await generateKey('ed25519');
    const keys = [developer.key];
    const events = [{ kind: 'claim', at: since, keys, threshold: 1 }] as const;
    const metadata = await projectMetadata(project, developer, 3);
    const role = projectRole(project);
    const facts = { account: 'ann', since, inForce: true, metadata, events, files: 3, firstUpload: since };
    yield { kind: 'claim', claim: { project, role, keys, threshold: 1, ...facts } };
  }
}

/** A release of a project: wheels. */
export function projectMetadata(name: string, developer: Signer, files: number): Promise<Uint8Array> {
  const targets = targetsOf(name, files);
  return signMetadata(targetsJson({ version: 1, expires, targets }), [developer]);
}

export function targetsOf(name: string, files: number): ReadonlyMap<TargetPath, TargetFile> {
  const project = normalizeName(name);
  const targets = Array.from({ length: files }, (_, at) => {
    const filename = `${project.replaceAll('-', '_')}-1.${at}-py3-none-any.whl`;
    const sha256 = hash('sha256', filename);
    const file: Distribution = {
      project,
      filename,
      sha256,
      size: 40_000 + at,
      uploadTime: since,
      requiresPython: '>=3.9',
    };
    return encodeTarget({ ...file, coreMetadata: { sha256: hash('sha256', `${filename}.metadata`), size: 2_000 } });
  });
  return new Map(targets.map(({ path, file }) => [path, file]));
}

async function* presentItems(online: Signer, holders: readonly Signer[]): AsyncGenerator<ExportItem> {
  const own = { keyids: [online.key.keyid], threshold: 1 };
  const offline = { keyids: holders.map(({ key }) => key.keyid), threshold: holders.length };
  const keys = new Map([online, ...holders].map(({ key }) => [key.keyid, key]));
  const common = { version: 1, expires };
  const roles = { root: offline, targets: offline, snapshot: own, timestamp: own };
  const root = rootJson({ ...common, consistentSnapshot: true, keys: [...keys.values()], roles });
  yield { kind: 'root', bytes: await signMetadata(root, holders) };
  const tops: Record<Top, typeof own> = {
    claimed: offline,
    'rarely-updated': offline,
    'recently-claimed': own,
    unclaimed: own,
  };
  const tree = { roleKeys: offline, keys: new Map(holders.map(({ key }) => [key.keyid, key])) };
  const delegations = { keys, roles: topDelegations('maximum', tops) };
  const files = new Map([
    ['claimed', binRoleJson('claimed', { prefix: '', projects: new Map() }, 1, expires, tree)],
    ['rarely-updated', binRoleJson('rarely-updated', { prefix: '', targets: new Map() }, 1, expires, tree)],
    ['rarely-updated.closed', closedRoleJson(1, expires)],
    ['targets', targetsJson({ ...common, targets: new Map(), delegations })],
  ]);
  for (const [role, json] of files) yield { kind: 'role', role, bytes: await signMetadata(json, holders) };
}
