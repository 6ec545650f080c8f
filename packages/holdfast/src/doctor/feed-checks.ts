import { hash } from 'node:crypto';
import {
  type ChunkPart,
  decodePart,
  FeedError,
  FeedFollower,
  feedPath,
  type FeedSource,
  type RoleEntry,
  snapshotTreeRoot,
} from '@holdfast/trust';
import { type FeedUnderExamination, mergedChunk, unbroken } from './feed-chunks.ts';
import { fail, type Found, ok, warn } from './finding.ts';
import type { Patient } from './patient.ts';

/** Bytes of the feed that are read: of one that is longer, followers alone see all. */
const MAX_FEED_BYTES = 64 * 2 ** 20;
/** Roles whose files are compared with what the feed says of them. */
const SAMPLES = 10;
/** Publications before the newest among which the last one is looked for when its own chunk is missing. */
const LOOK_BACK = 16;

const AT_INDEX =
  'Mirrors and auditors stop here. Nothing may change or drop what is below /feed/; the log of the index says whether it did.';

/** What mirrors and auditors follow (docs/formats/change-feed.md), against the timestamp and the roles themselves. */
export async function feed(patient: Patient): Promise<readonly Found[]> {
  const { version, snapshotMeta } = await patient.timestamp();
  const root = snapshotTreeRoot(await patient.timestamp());
  if (root === undefined) return [warn('the timestamp names no tree: there is no feed', 'Mirrors copy all files.')];
  const newest = { version, root };
  const source = sourceOf(patient);
  const found: Found[] = [];
  try {
    const head = await partAt(source, version);
    if (!head) return [await ended(source, version)];
    const { begins } = head.head;
    if (head.head.root !== root) throw new FeedError('fork', feedPath(head.head, 0));
    found.push(ok(`the feed ends with the timestamp, version ${version}, under its root hash`));
    const examined = { source, newest, begins, random: patient.random };
    found.push(await unbroken(examined), await mergedChunk(examined));
    found.push(...(await followed(patient, examined, snapshotMeta.version)));
  } catch (error) {
    if (error instanceof FeedError) found.push(fail(sentence(error), AT_INDEX));
    else if (error instanceof TooLongError)
      found.push(ok('the feed is too long to be followed from its beginning here'));
    else throw error;
  }
  return found;
}

/** From its beginning to the timestamp: the root hash of all that it says must be the signed one. */
async function followed(
  patient: Patient,
  { source, newest, begins }: FeedUnderExamination,
  flat: number,
): Promise<readonly Found[]> {
  const follower = new FeedFollower(source);
  const { snapshotVersion } = await follower.follow(newest);
  if (snapshotVersion !== flat)
    return [fail(`the feed tells of snapshot ${snapshotVersion}, the timestamp of ${flat}`, AT_INDEX)];
  const { size } = follower.roles;
  return [
    ok(`followed from version ${begins}: ${size} roles, under the root hash that is signed`),
    await sameRoles(patient, [...spread(follower.roles.entries(), Math.max(1, Math.floor(size / SAMPLES)))]),
  ];
}

function* spread(entries: Iterable<RoleEntry>, step: number): Generator<RoleEntry, void> {
  let at = 0;
  for (const entry of entries) if (at++ % step === 0) yield entry;
}

/** Lengths and hashes, of the files that anybody would download. */
async function sameRoles(patient: Patient, entries: readonly RoleEntry[]): Promise<Found> {
  for (const { role, version, length, sha256 } of entries) {
    const name = role.startsWith('rotate/') ? role : `${version}.${role}`;
    const { status, body } = await patient.site.get(`metadata/${name}.json`);
    if (status !== 200) return fail(`${name}.json answers ${status}, and the feed lists it`, AT_INDEX);
    if (body.length !== length || hash('sha256', body) !== sha256)
      return fail(`${name}.json is not the file that the feed lists: ${body.length} bytes of ${length}`, AT_INDEX);
  }
  return ok(`${entries.length} of these roles have the length and hash that the feed says`);
}

/** The chunk of the newest publication is there before its timestamp is: without it, the feed is behind, or not passed on. */
async function ended(source: FeedSource, version: number): Promise<Found> {
  for (let last = version - 1; last > 0 && last >= version - LOOK_BACK; last--)
    if (await partAt(source, last))
      return fail(`the feed ends with version ${last}, and timestamp ${version} is out`, AT_INDEX);
  return warn('no feed here: mirrors and auditors cannot follow', 'Pass /feed/ on to the index.');
}

async function partAt(source: FeedSource, last: number): Promise<ChunkPart | undefined> {
  const range = { level: 0, last };
  const path = feedPath(range, 0);
  const bytes = await source.fetch(path, Number.POSITIVE_INFINITY);
  return bytes && decodePart(bytes, range, 0);
}

class TooLongError extends Error {}

function sourceOf({ site }: Patient): FeedSource {
  let left = MAX_FEED_BYTES;
  return {
    async fetch(path, maxLength) {
      const { status, body } = await site.get(path);
      if (status === 404 || status === 403) return undefined;
      if (status !== 200) throw new Error(`${path} answers ${status}`);
      if (body.length > maxLength) throw new FeedError('too-large', path);
      left -= body.length;
      if (left < 0) throw new TooLongError();
      return body;
    },
  };
}

function sentence({ fault, path }: FeedError): string {
  if (fault === 'gap') return `${path} is missing from the feed`;
  if (fault === 'fork') return `${path} leads to another root hash than that of the timestamp`;
  return `${path} is not what the feed may hold: ${fault}`;
}
