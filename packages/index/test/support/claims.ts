import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  binRoleJson,
  binRoleName,
  CLAIMED,
  CLOSED,
  closedRoleJson,
  type Distribution,
  encodeTarget,
  planLeaf,
  type ProjectDelegation,
  projectRole,
  ProjectRoleEditor,
  type ProjectTransaction,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  type SecurityModel,
  topDelegations,
  type TargetPath,
  UNCLAIMED,
} from '@holdfast/trust';
import { revocationJson, rotationJson, rootJson, signMetadata, type TargetFile, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeKeyFile } from '@holdfast/tuf/node';
import { initIndex, type OpenIndex, type OpenOptions } from '../../src/index.ts';
import type { StoreLocations } from '../../src/stores.ts';
import { keyText } from '../../src/accounts/account-keys.ts';
import type { OfflineOffer } from '../../src/publish/offline.ts';
import { distributionOf } from '../../src/publish/file-rows.ts';
import { closeBare, makeIndexIn, newFile, objectKey, openBare, type BareIndex } from './bare-index.ts';

/** An index in which developers can sign, with everybody's keys. */
export interface ClaimsIndex extends BareIndex {
  readonly model: SecurityModel;
}

const FAR = new Date('2036-01-01T00:00:00Z');
const holds = ({ key }: LocalSigner) => ({ keyids: [key.keyid], threshold: 1 });

/** Targets of a model: one key holds all that is offline, one all that is online. */
export async function makeModelTargets(
  { offline, online }: Pick<BareIndex, 'offline' | 'online'>,
  model: SecurityModel,
  version: number,
): Promise<Uint8Array> {
  const [off, on] = [holds(offline), holds(online)];
  const holders = { [CLAIMED]: off, [RARELY_UPDATED]: off, [RECENTLY_CLAIMED]: on, [UNCLAIMED]: on };
  const listed = model === 'minimum' ? [online] : [online, offline];
  const keys = new Map(listed.map(({ key }) => [key.keyid, key]));
  const delegations = { keys, roles: topDelegations(model, holders) };
  return signMetadata(targetsJson({ version, expires: FAR, targets: new Map(), delegations }), [offline]);
}

/** What is to stand in the offline trees: all of it. */
export interface OfflineTrees {
  readonly claimed?: readonly ProjectDelegation[];
  readonly rarelyUpdated?: readonly Distribution[];
}

/** Signs trees as their holders would: every role anew, after the versions that `index` publishes; the first ones without it. */
export async function signTrees(
  { offline }: Pick<BareIndex, 'offline'>,
  { claimed, rarelyUpdated }: OfflineTrees,
  index?: OpenIndex,
): Promise<Required<Pick<OfflineOffer, 'roles' | 'retired'>>> {
  const versions = new Map<string, { version: number; retired: number }>();
  for (const row of (await index?.records.read.selectFrom('roles').selectAll().execute()) ?? [])
    versions.set(row.role, row);
  const next = (role: string): number => (versions.get(role)?.version ?? 0) + 1;
  const roles = new Map<string, Uint8Array>();
  const treeKeys = { roleKeys: holds(offline), keys: new Map([[offline.key.keyid, offline.key]]) };
  const contents = [
    [CLAIMED, claimed && { projects: new Map(claimed.map((each) => [each.project, each])) }],
    [RARELY_UPDATED, rarelyUpdated && { targets: targetsOf(rarelyUpdated) }],
  ] as const;
  for (const [top, content] of contents) {
    if (!content) continue;
    for (const bin of planLeaf('', content)) {
      const role = binRoleName(top, bin.prefix);
      roles.set(role, await signMetadata(binRoleJson(top, bin, next(role), FAR, treeKeys), [offline]));
    }
    if (top === RARELY_UPDATED && versions.get(CLOSED)?.retired !== 0)
      roles.set(CLOSED, await signMetadata(closedRoleJson(next(CLOSED), FAR), [offline]));
  }
  const signed = (role: string): boolean =>
    (claimed !== undefined && role.startsWith(`${CLAIMED}.`)) ||
    (rarelyUpdated !== undefined && role.startsWith(`${RARELY_UPDATED}.`) && role !== CLOSED);
  const retired = [...versions].flatMap(([role, row]) =>
    row.retired === 0 && signed(role) && !roles.has(role) ? [role] : [],
  );
  return { roles, retired };
}

function targetsOf(files: readonly Distribution[]): ReadonlyMap<TargetPath, TargetFile> {
  return new Map(files.map(encodeTarget).map(({ path, file }) => [path, file]));
}

/** With empty offline trees, and the account `ann`. */
export async function makeClaimsIndex(
  t: TestContext,
  model: SecurityModel = 'legacy',
  stores: StoreLocations = {},
): Promise<ClaimsIndex> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-claims-'));
  t.after(async () => {
    await closeBare(join(parent, 'index'));
    await rm(parent, { recursive: true, force: true });
  });
  return makeClaimsIndexIn(join(parent, 'index'), model, stores);
}

async function makeClaimsIndexIn(
  directory: string,
  model: SecurityModel,
  stores: StoreLocations,
): Promise<ClaimsIndex> {
  if (model === 'minimum') return { ...(await makeIndexIn(directory)), model };
  const [offline, online] = [await generateKey('ed25519'), await generateKey('ed25519')];
  const keys = { root: holds(offline), targets: holds(offline), snapshot: holds(online), timestamp: holds(online) };
  const facts = { version: 1, expires: FAR, consistentSnapshot: true, keys: [offline.key, online.key], roles: keys };
  const root = await signMetadata(rootJson(facts), [offline]);
  const targets = await makeModelTargets({ offline, online }, model, 1);
  const { roles } = await signTrees({ offline }, firstTrees(model));
  await initIndex({ directory, root, targets, roles, onlineKey: online, passphrase: 'x', stores });
  await writeKeyFile(join(directory, 'keys', `${online.key.keyid}.json`), online, undefined);
  const index = await openBare(directory);
  await index.accounts.createAccount('ann');
  await index.close();
  return { directory, root, offline, online, model };
}

/** The empty trees that a model begins with. */
export function firstTrees(model: SecurityModel): OfflineTrees {
  return { ...(model !== 'minimum' && { claimed: [] }), ...(model === 'maximum' && { rarelyUpdated: [] }) };
}

/** A developer with a key that is registered with the account `ann`. */
export async function makeDeveloper(index: OpenIndex): Promise<LocalSigner> {
  const signer = await generateKey('ed25519');
  const { key } = signer;
  const facts = { keyid: key.keyid, key: keyText(key), label: 'test', added_at: 1, vouched_by: null, removed_at: null };
  await index.records.write((db) =>
    db
      .insertInto('account_keys')
      .values({ account: 'ann', ...facts })
      .execute(),
  );
  return signer;
}

/** An index as {@link makeClaimsIndex} makes it, open, and a developer. */
export async function openClaimsIndex(
  t: TestContext,
  model?: SecurityModel,
  options?: Partial<OpenOptions>,
): Promise<{ made: ClaimsIndex; index: OpenIndex; developer: LocalSigner }> {
  const made = await makeClaimsIndex(t, model);
  const index = await openBare(made.directory, options);
  return { made, index, developer: await makeDeveloper(index) };
}

export const ANN = { account: 'ann' };

/** Stores a file that waits for its project's developers. */
export async function stageFile(index: OpenIndex, project: string, version: string): Promise<string> {
  const file = newFile(project, version);
  await index.objects.put(objectKey(file), Buffer.from(`${project} ${version}`));
  const { outcome } = await index.publisher.publish({ ...file, stage: true });
  if (outcome !== 'staged') throw new Error(`${file.filename} is ${outcome}`);
  return file.filename;
}

/** The next version of a project's role, with exactly these of the files that the index has. */
export async function signRole(
  index: OpenIndex,
  role: string,
  files: readonly string[],
  signers: readonly LocalSigner[],
  { yanked = [] }: { yanked?: readonly string[] } = {},
): Promise<Uint8Array> {
  const { read } = index.records;
  const present = await read.selectFrom('offline_roles').selectAll().where('role', '=', role).executeTakeFirst();
  const last = await read.selectFrom('roles').select('version').where('role', '=', role).executeTakeFirst();
  const editor = new ProjectRoleEditor(role, present?.bytes, last?.version ?? 0);
  for (const filename of editor.files.keys()) if (!files.includes(filename)) editor.removeFile(filename);
  const rows =
    files.length === 0 ? [] : await read.selectFrom('files').selectAll().where('filename', 'in', files).execute();
  for (const row of rows) {
    const { yanked: _, ...file } = distributionOf(row);
    editor.setFile({ ...file, ...(yanked.includes(row.filename) && { yanked: true as const }) });
  }
  return signMetadata(editor.build(FAR), signers);
}

export function claimOf(...signers: readonly LocalSigner[]): NonNullable<ProjectTransaction['claim']> {
  return { keys: new Map(signers.map(({ key }) => [key.keyid, key])), threshold: signers.length };
}

/** Claims a project with these files, of those that the index has of it. */
export async function claim(
  index: OpenIndex,
  name: string,
  signer: LocalSigner,
  files: readonly string[],
  generation = 1,
): Promise<void> {
  const project = normalizeName(name);
  const role = projectRole(project, generation);
  const roles = new Map([[role, await signRole(index, role, files, [signer])]]);
  await submit(index, name, { claim: claimOf(signer), roles });
}

/** Publishes what developers signed; it is complete. */
export async function submit(index: OpenIndex, name: string, transaction: ProjectTransaction): Promise<void> {
  const { outcome } = await index.transactions.submit(ANN, normalizeName(name), transaction);
  if (outcome !== 'published') throw new Error(`the transaction is ${outcome}`);
}

/** Puts other keys in the place of a project's, signed by the present ones; to none, it revokes them. */
export async function rotation(
  role: string,
  version: number,
  keys: readonly LocalSigner[],
  signers: readonly LocalSigner[],
): Promise<Uint8Array> {
  const json =
    keys.length === 0
      ? revocationJson({ role, version })
      : rotationJson({ role, version, keys: keys.map(({ key }) => key), threshold: keys.length });
  return signMetadata(json, signers);
}

/** What the records say of a project. */
export async function standingOf(index: OpenIndex, name: string) {
  const row = await index.records.read
    .selectFrom('standings')
    .selectAll()
    .where('project', '=', name)
    .executeTakeFirst();
  return row && { standing: row.standing, role: row.role, rotations: row.rotations, generation: row.generation };
}

/** State of each file of a project. */
export async function statesOf(index: OpenIndex, name: string): Promise<Record<string, string>> {
  const rows = await index.records.read
    .selectFrom('files')
    .select(['filename', 'state'])
    .where('project', '=', name)
    .orderBy('filename')
    .execute();
  return Object.fromEntries(rows.map(({ filename, state }) => [filename, state]));
}

/** Names of roles that the tree lists, but for those that every index has. */
export async function rolesOf(index: OpenIndex): Promise<string[]> {
  const rows = await index.records.read
    .selectFrom('roles')
    .select('role')
    .where('retired', '=', 0)
    .where('role', 'not in', ['timestamp', 'snapshot', 'targets', 'unclaimed'])
    .orderBy('role')
    .execute();
  return rows.map(({ role }) => role);
}

export const delegationTo = (name: string, signer: LocalSigner, generation = 1): ProjectDelegation => {
  const project: ProjectName = normalizeName(name);
  return { project, role: projectRole(project, generation), keys: [signer.key], threshold: 1 };
};
