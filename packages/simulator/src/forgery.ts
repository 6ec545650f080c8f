import { hash } from 'node:crypto';
import { parseDistributionFilename } from '@holdfast/python-index';
import { consistentTargetPath, encodeTarget, UNCLAIMED } from '@holdfast/trust';
import {
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type Signer,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { type Recorder, serve } from './attacks.ts';
import type { Attack } from './evil-mirror.ts';

/** What thieves make of stolen online keys (P17). What they have no key for, they sign with one of their own. */
export interface StolenKeys {
  readonly timestamp?: Signer;
  readonly snapshot?: Signer;
  readonly unclaimed?: Signer;
}

/** A wheel that the index never published. */
export interface Release {
  readonly filename: string;
  readonly bytes: Uint8Array;
}

const DAY_MS = 86_400_000;

/**
 * Everything as the index has it now, and `release` besides. The index must be small: one `unclaimed` without bins.
 * @param ahead how far every version jumps: a large number is a fast-forward attack
 */
export async function forgeRelease(
  index: string,
  stolen: StolenKeys,
  { filename, bytes }: Release,
  ahead = 1,
): Promise<Attack> {
  const own = await generateKey('ed25519');
  const timestamp = parseTimestamp(await get(index, 'timestamp.json')).signed;
  const snapshot = parseSnapshot(await get(index, `${timestamp.snapshotMeta.version}.snapshot.json`)).signed;
  const version = snapshot.meta.get(`${UNCLAIMED}.json`)?.version ?? 0;
  const unclaimed = parseTargets(await get(index, `${version}.${UNCLAIMED}.json`)).signed;

  const { project } = parseDistributionFilename(filename);
  const sha256 = hash('sha256', bytes);
  const { path, file } = encodeTarget({ project, filename, sha256, size: bytes.length, uploadTime: new Date() });
  const targets = new Map(unclaimed.targets).set(path, file);
  const forged = targetsJson({ version: version + ahead, expires: unclaimed.expires, targets });
  const meta = new Map(snapshot.meta).set(`${UNCLAIMED}.json`, { version: version + ahead });
  const top = await signTop(stolen, own, {
    snapshot: { version: snapshot.version + ahead, expires: snapshot.expires, meta },
    timestamp: { version: timestamp.version + ahead, expires: timestamp.expires },
  });
  return serve(
    top
      .set(`/metadata/${version + ahead}.${UNCLAIMED}.json`, await signMetadata(forged, [stolen.unclaimed ?? own]))
      .set(`/targets/${consistentTargetPath(path, sha256)}`, bytes),
  );
}

/** The old state that was recorded, under a snapshot and a timestamp that say it were new and valid for a year. */
export async function forgeFreeze(recorded: Recorder, stolen: StolenKeys): Promise<Attack> {
  const own = await generateKey('ed25519');
  const snapshot = parseSnapshot(recorded.newest('.snapshot.json')).signed;
  const timestamp = parseTimestamp(recorded.newest('/timestamp.json')).signed;
  const expires = new Date(Math.floor(Date.now() / 1000) * 1000 + 365 * DAY_MS);
  const attack = serve(
    await signTop(stolen, own, {
      snapshot: { version: snapshot.version + 100, expires, meta: snapshot.meta },
      timestamp: { version: timestamp.version + 100, expires },
    }),
  );
  return (path) => attack(path, async () => recorded.replayAll(path, () => Promise.reject(new Error('not asked'))));
}

async function signTop(
  stolen: StolenKeys,
  own: Signer,
  content: {
    readonly snapshot: Parameters<typeof snapshotJson>[0];
    readonly timestamp: { readonly version: number; readonly expires: Date };
  },
): Promise<Map<string, Uint8Array>> {
  const snapshot = await signMetadata(snapshotJson(content.snapshot), [stolen.snapshot ?? own]);
  const { version } = content.snapshot;
  const described = { version, length: snapshot.length, hashes: new Map([['sha256', hash('sha256', snapshot)]]) };
  const json = timestampJson({ ...content.timestamp, snapshot: described });
  return new Map([
    [`/metadata/${version}.snapshot.json`, snapshot],
    ['/metadata/timestamp.json', await signMetadata(json, [stolen.timestamp ?? own])],
  ]);
}

async function get(index: string, name: string): Promise<Uint8Array> {
  const response = await fetch(`${index}/metadata/${name}`);
  if (!response.ok) throw new Error(`${name}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
