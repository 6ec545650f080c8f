import type { ProjectName } from '@holdfast/python-index';
import {
  bulletinMember,
  type ClaimFact,
  decodeTarget,
  type Distribution,
  encodeTarget,
  type KeyEventFact,
  type QuietFact,
  type SecurityModel,
} from '@holdfast/trust';
import { FormatError, isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@holdfast/tuf';
import type { Entry } from '../file/entries.ts';
import { assertMembers, dateOf, integerOf, keysOf, objectOf, projectOf, stringOf } from '../file/members.ts';
import { assertReachable, type HolderRole, type Holders, isOfflineRole, OFFLINE_ROLES } from '../holders.ts';
import type { ExportItem, SigningOrder, Term } from './model.ts';

/** Takes the entries that belong to the one before, such as the events of a claim. */
export type NextEntry = () => Promise<Entry>;

/** Reads an item from its entries. @throws FormatError */
export async function decodeItem({ head, bytes }: Entry, next: NextEntry): Promise<ExportItem> {
  const kind = stringOf(head, 'entry');
  switch (kind) {
    case 'order':
      return { kind, order: decodeOrder(head) };
    case 'root':
      assertMembers(head);
      return { kind, bytes };
    case 'role':
      assertMembers(head, 'role');
      return { kind, role: stringOf(head, 'role'), bytes };
    case 'retired':
      assertMembers(head, 'role', 'version');
      return { kind, role: stringOf(head, 'role'), version: integerOf(head, 'version', 1) };
    case 'claim':
      return { kind, claim: await decodeClaim(head, bytes, next) };
    case 'rotated': {
      assertMembers(head, 'project', 'rotations');
      const rotations: Uint8Array[] = [];
      for (let left = integerOf(head, 'rotations'); left > 0; left--) rotations.push(rotationOf(await next()));
      return { kind, rotated: { project: projectOf(head), metadata: bytes, rotations } };
    }
    case 'quiet':
      return { kind, quiet: decodeQuiet(head) };
    case 'leave':
      assertMembers(head, 'project', 'reason');
      return { kind, project: projectOf(head), reason: stringOf(head, 'reason') };
    case 'decision':
      return decodeDecision(head);
    default:
      throw new FormatError('entry', `${JSON.stringify(kind)} is unknown`);
  }
}

function decodeOrder(head: JsonObject): SigningOrder {
  assertMembers(head, 'now', 'publication', 'model', 'holders', 'terms', 'bulletin');
  const terms = objectOf(head, 'terms');
  return {
    now: dateOf(head, 'now'),
    publication: integerOf(head, 'publication', 1),
    model: modelOf(stringOf(head, 'model')),
    holders: new Map(Array.from(objectOf(head, 'holders').keys(), (role) => holdersOf(head, role))),
    terms: new Map(OFFLINE_ROLES.map((role) => [role, termOf(objectOf(terms, role))])),
    bulletin: bulletinOf(head.get('bulletin')),
  };
}

function modelOf(text: string): SecurityModel {
  if (text !== 'minimum' && text !== 'legacy' && text !== 'maximum') throw new FormatError('model', 'is unknown');
  return text;
}

function holdersOf(head: JsonObject, role: string): [HolderRole, Holders] {
  if (!isOfflineRole(role) && role !== 'online') throw new FormatError('holders', `of ${role} are unknown`);
  const json = objectOf(objectOf(head, 'holders'), role);
  assertMembers(json, 'keys', 'threshold');
  const holders = { keys: keysOf(json), threshold: integerOf(json, 'threshold', 1) };
  assertReachable(role, holders);
  return [role, holders];
}

function termOf(json: JsonObject): Term {
  assertMembers(json, 'expires', 'renew_before');
  return { expires: dateOf(json, 'expires'), renewBefore: dateOf(json, 'renew_before') };
}

function bulletinOf(value: JsonValue | undefined): SigningOrder['bulletin'] {
  if (value === undefined || value === null) return value;
  if (!isJsonObject(value)) throw new FormatError('bulletin', 'should be an object');
  const bulletin = { id: stringOf(value, 'id'), text: stringOf(value, 'text') };
  bulletinMember(bulletin);
  return bulletin;
}

async function decodeClaim(head: JsonObject, metadata: Uint8Array, next: NextEntry): Promise<ClaimFact> {
  assertMembers(head, ...CLAIM_MEMBERS);
  const events: KeyEventFact[] = [];
  for (let left = integerOf(head, 'events'); left > 0; left--) events.push(decodeEvent(await next()));
  return {
    project: projectOf(head),
    role: stringOf(head, 'role'),
    keys: keysOf(head),
    threshold: integerOf(head, 'threshold', 1),
    account: stringOf(head, 'account'),
    since: dateOf(head, 'since'),
    inForce: head.get('in_force') === true,
    metadata,
    events,
    files: integerOf(head, 'files'),
    firstUpload: head.has('first_upload') ? dateOf(head, 'first_upload') : undefined,
  };
}

const CLAIM_MEMBERS = 'project role keys threshold account since in_force files events first_upload'.split(' ');

function decodeEvent({ head, bytes }: Entry): KeyEventFact {
  if (stringOf(head, 'entry') !== 'event') throw new FormatError('entry', 'should be an event of the claim before it');
  const kind = stringOf(head, 'kind');
  const at = dateOf(head, 'at');
  if (kind === 'claim') {
    assertMembers(head, 'kind', 'at', 'keys', 'threshold');
    return { kind, at, keys: keysOf(head), threshold: integerOf(head, 'threshold', 1) };
  }
  if (kind !== 'rotation' && kind !== 'revocation') throw new FormatError('kind', 'is unknown');
  assertMembers(head, 'kind', 'at');
  return { kind, at, bytes };
}

function rotationOf({ head, bytes }: Entry): Uint8Array {
  if (stringOf(head, 'entry') !== 'rotation')
    throw new FormatError('entry', 'should be a rotation of the project before it');
  assertMembers(head);
  return bytes;
}

function decodeQuiet(head: JsonObject): QuietFact {
  assertMembers(head, 'project', 'files', 'last_upload');
  const project = projectOf(head);
  const listed = head.get('files');
  if (!isJsonArray(listed)) throw new FormatError('files', 'should be an array');
  const files = listed.map((json) => decodeFile(project, json));
  const ordered = files.every((file, at) => at === 0 || file.filename > (files[at - 1]?.filename ?? ''));
  if (files.length === 0 || !ordered) throw new FormatError('files', 'should be some, in the order of their names');
  return { project, files, lastUpload: dateOf(head, 'last_upload') };
}

const FILE_MEMBERS = 'filename sha256 size upload_time requires_python yanked core_metadata'.split(' ');

function decodeFile(project: ProjectName, json: JsonValue): Distribution {
  if (!isJsonObject(json)) throw new FormatError('files', 'should hold objects');
  assertMembers(json, ...FILE_MEMBERS);
  const [yanked, core] = [json.get('yanked'), json.get('core_metadata')];
  const distribution: Distribution = {
    project,
    filename: stringOf(json, 'filename'),
    sha256: stringOf(json, 'sha256'),
    size: integerOf(json, 'size'),
    uploadTime: dateOf(json, 'upload_time'),
    ...(json.has('requires_python') && { requiresPython: stringOf(json, 'requires_python') }),
    ...((yanked === true || typeof yanked === 'string') && { yanked }),
    ...(isJsonObject(core) && { coreMetadata: { sha256: stringOf(core, 'sha256'), size: integerOf(core, 'size') } }),
  };
  // Whatever an installer would refuse is refused before it is signed.
  const { path, file } = encodeTarget(distribution);
  decodeTarget(path, file);
  return distribution;
}

function decodeDecision(head: JsonObject): ExportItem {
  assertMembers(head, 'decision', 'project');
  const decision = stringOf(head, 'decision');
  if (decision !== 'exclude' && decision !== 'accept') throw new FormatError('decision', 'is unknown');
  return { kind: 'decision', decision, project: projectOf(head) };
}
