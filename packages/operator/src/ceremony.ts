import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  binRoleJson,
  CLAIMED,
  CLOSED,
  closedRoleJson,
  forIndex,
  RARELY_UPDATED,
  RECENTLY_CLAIMED,
  type SecurityModel,
  type Top,
  topDelegations,
  topsOf,
  UNCLAIMED,
} from '@holdfast/trust';
import { type JsonObject, type PublicKey, rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { writeFileAtomic } from '@holdfast/tuf/node';
import { OfflineDirectoryError } from './errors.ts';
import { rootFingerprint } from './fingerprint.ts';
import {
  askPassphrases,
  type CeremonyHolder,
  keysOfRole,
  makeHolders,
  signersOfRole,
  writeHolder,
} from './ceremony-holders.ts';
import { assertReachable, type OfflineRole } from './holders.ts';
import { transcript } from './paper.ts';

/** Who holds the keys of a role. */
export interface CeremonyRole {
  /** How many, those who bring a key among them. */
  readonly holders: number;
  readonly threshold: number;
  /** Keys that some of them have already, such as on a token. */
  readonly own?: readonly Signer[];
}

/** What a key ceremony starts from (PEP 458 "Key ceremony"; P4, P5). */
export interface Ceremony {
  /** Where the offline keys are written, a folder for each holder. Must hold no keys yet. */
  readonly offlineDirectory: string;
  /** The public half of the index's online key: it will sign timestamp, snapshot, unclaimed and recently-claimed. */
  readonly online: PublicKey;
  /** Default: `minimum`. */
  readonly model?: SecurityModel;
  readonly root: CeremonyRole;
  /** Also holds keys for `claimed` and `rarely-updated`, one for each role, where the model has them. */
  readonly targets: CeremonyRole;
  /** How long what is signed now is valid, in seconds; the trees of `claimed` and `rarely-updated` for at most 180 days. */
  readonly lifetime: number;
  readonly now: Date;
  /** The passphrase that encrypts the keys of one holder, such as `root-1`. */
  passphraseFor(holder: string): Promise<string>;
}

export interface CeremonyResult {
  /** Signed `1.root.json`. */
  readonly root: Uint8Array;
  /** Signed `1.targets.json`. */
  readonly targets: Uint8Array;
  /** Every other role that offline keys sign, empty as yet. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  readonly fingerprint: string;
  /** What was made, when, with which keys: text to print and keep. */
  readonly transcript: string;
  /** The folder of each holder. */
  readonly folders: readonly string[];
}

/**
 * Seconds. Whoever has the online keys can show these empty trees to a new user until they expire, as if nobody had claimed anything: no
 * longer than the later ones.
 */
const TREE_LIFETIME = 180 * 86_400;

/**
 * Makes the offline keys and signs the first metadata with them. Private keys are written, encrypted, to `offlineDirectory` and
 * nowhere else; what is returned is public.
 * @throws OfflineDirectoryError when the directory holds keys already
 * @throws HoldersError for numbers with which nobody could ever sign
 */
export async function holdCeremony(ceremony: Ceremony): Promise<CeremonyResult> {
  await mkdir(ceremony.offlineDirectory, { recursive: true, mode: 0o700 });
  if ((await readdir(ceremony.offlineDirectory)).length > 0) {
    throw new OfflineDirectoryError(ceremony.offlineDirectory, 'holds keys already');
  }
  const model = ceremony.model ?? 'minimum';
  const holders = [
    ...(await makeHolders('root', ceremony.root, ['root'])),
    ...(await makeHolders('targets', ceremony.targets, ['targets', ...offlineTops(model)])),
  ];
  const after = (seconds: number): Date => new Date(Math.floor(ceremony.now.getTime() / 1000 + seconds) * 1000);
  const expires = after(ceremony.lifetime);
  const treesExpire = after(Math.min(ceremony.lifetime, TREE_LIFETIME));
  const first = { ceremony, model, holders, expires, treesExpire };
  for (const role of ['root', 'targets', ...offlineTops(model)] as const)
    assertReachable(role, { keys: keysOfRole(holders, role), threshold: thresholdOf(first, role) });
  const root = await signMetadata(firstRoot(first), signersOfRole(holders, 'root'));
  const fingerprint = rootFingerprint(root);
  const sign = (role: OfflineRole, json: JsonObject): Promise<Uint8Array> =>
    signMetadata(forIndex(json, fingerprint), signersOfRole(holders, role));
  const targets = await sign('targets', firstTargets(first));
  const roles = new Map<string, Uint8Array>();
  for (const top of offlineTops(model)) roles.set(top, await sign(top, emptyTop(first, top)));
  if (roles.has(RARELY_UPDATED)) roles.set(CLOSED, await sign(RARELY_UPDATED, closedRoleJson(1, treesExpire)));
  const text = transcript({ ...first, ...ceremony, model, holders, fingerprint });
  const passphraseFor = await askPassphrases(holders, ceremony.passphraseFor);
  const folders: string[] = [];
  for (const holder of holders) folders.push(await writeHolder({ ...ceremony, passphraseFor }, holder, fingerprint));
  await writeFileAtomic(join(ceremony.offlineDirectory, 'root.json'), root);
  await writeFileAtomic(join(ceremony.offlineDirectory, 'transcript.txt'), new TextEncoder().encode(text));
  return { root, targets, roles, fingerprint, transcript: text, folders };
}

interface First {
  readonly ceremony: Ceremony;
  readonly model: SecurityModel;
  readonly holders: readonly CeremonyHolder[];
  readonly expires: Date;
  readonly treesExpire: Date;
}

type OfflineTop = typeof CLAIMED | typeof RARELY_UPDATED;

const offlineTops = (model: SecurityModel): OfflineTop[] =>
  topsOf(model).filter((top): top is OfflineTop => top === CLAIMED || top === RARELY_UPDATED);

const thresholdOf = ({ ceremony }: First, role: OfflineRole): number =>
  role === 'root' ? ceremony.root.threshold : ceremony.targets.threshold;

function roleKeys(first: First, role: OfflineRole): { keyids: string[]; threshold: number } {
  return { keyids: keysOfRole(first.holders, role).map(({ keyid }) => keyid), threshold: thresholdOf(first, role) };
}

function firstRoot(first: First): JsonObject {
  const { ceremony, holders, expires } = first;
  const online = { keyids: [ceremony.online.keyid], threshold: 1 };
  const keys = [...keysOfRole(holders, 'root'), ...keysOfRole(holders, 'targets'), ceremony.online];
  return rootJson({
    version: 1,
    expires,
    consistentSnapshot: true,
    keys: [...new Map(keys.map((key) => [key.keyid, key])).values()],
    roles: { root: roleKeys(first, 'root'), targets: roleKeys(first, 'targets'), snapshot: online, timestamp: online },
  });
}

function firstTargets(first: First): JsonObject {
  const { ceremony, model, holders, expires } = first;
  const online = { keyids: [ceremony.online.keyid], threshold: 1 };
  const tops = offlineTops(model);
  const keys = [ceremony.online, ...tops.flatMap((top) => keysOfRole(holders, top))];
  const held: Partial<Record<Top, { keyids: string[]; threshold: number }>> = {
    [UNCLAIMED]: online,
    [RECENTLY_CLAIMED]: online,
    ...Object.fromEntries(tops.map((top) => [top, roleKeys(first, top)])),
  };
  const delegations = { keys: new Map(keys.map((key) => [key.keyid, key])), roles: topDelegations(model, held) };
  return targetsJson({ version: 1, expires, targets: new Map(), delegations });
}

function emptyTop(first: First, top: OfflineTop): JsonObject {
  const keys = new Map(keysOfRole(first.holders, top).map((key) => [key.keyid, key]));
  const leaf = top === CLAIMED ? { prefix: '', projects: new Map() } : { prefix: '', targets: new Map() };
  return binRoleJson(top, leaf, 1, first.treesExpire, { roleKeys: roleKeys(first, top), keys });
}
