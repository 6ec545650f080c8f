import { crypto } from '#crypto';
import { isJsonObject, type JsonValue } from '../json/value.ts';
import { rotationMeta } from '../rotation/build.ts';
import { signMetadata } from '../sign.ts';
import type { Current } from './current.ts';
import { expiryOf, type Lifetimes } from './lifetimes.ts';
import { MetadataEditor } from './metadata-editor.ts';
import { missingFor, rootNeed } from './need.ts';
import { type OnlineRole, parseProposed, type Proposal, type ProposedRole } from './proposal.ts';
import type { Prospect } from './prospect.ts';
import { isRotationRole } from './rotations.ts';

/** The next snapshot or timestamp, unsigned; `undefined` while the one that is served will do. */
export async function nextOnlineRole(
  role: OnlineRole,
  proposal: Proposal,
  current: Current | undefined,
  prospect: Prospect,
  lifetimes: Lifetimes,
  now: Date,
): Promise<ProposedRole | undefined> {
  const wish = proposal.wishes.get(role);
  const base = current?.[role];
  const listed = role === 'timestamp' ? proposal.roles.has('snapshot') : listsRoles(proposal);
  const signed = base !== undefined && (await missingFor(role, base, rootNeed(prospect.root, role))) === undefined;
  if (wish === undefined && !listed && signed) return undefined;
  const editor = new OnlineEditor(role, base?.signedBytes);
  if (role === 'snapshot') await editor.listRoles(proposal);
  else await editor.listSnapshot(proposal.roles.get('snapshot'));
  const replaces = current?.version(role) ?? 0;
  const version = wish?.version ?? replaces + 1;
  const json = editor.build(version, wish?.expires ?? expiryOf(role, lifetimes, now));
  return { role, metadata: await signMetadata(json, []), replaces, chains: [], needs: [] };
}

function listsRoles(proposal: Proposal): boolean {
  return [...proposal.roles.keys()].some((role) => !['root', 'timestamp', 'snapshot'].includes(role));
}

class OnlineEditor extends MetadataEditor {
  constructor(role: OnlineRole, signedBytes: Uint8Array | undefined) {
    super(role, signedBytes, { meta: new Map() });
  }

  /** §4.4. By version only: thousands of hashes would make the file large, and the signatures protect the roles. */
  async listRoles(proposal: Proposal): Promise<void> {
    const meta = new Map(this.objectMember('meta'));
    for (const proposed of proposal.roles.values()) {
      const { role } = proposed;
      if (role === 'root' || role === 'timestamp' || role === 'snapshot') continue;
      const announced = isRotationRole(role) ? await announcedOf(proposed.metadata) : [];
      setMeta(meta, `${role}.json`, [['version', parseProposed(proposed).signed.version], ...announced]);
    }
    this.members.set('meta', meta);
  }

  /** §4.6. With length and hash, so that readers may fetch a snapshot longer than they would take on trust. */
  async listSnapshot(snapshot: ProposedRole | undefined): Promise<void> {
    if (snapshot === undefined) return;
    const meta = new Map(this.objectMember('meta'));
    const { metadata } = snapshot;
    setMeta(meta, 'snapshot.json', [
      ['version', parseProposed(snapshot).signed.version],
      ['length', metadata.length],
      ['hashes', new Map([['sha256', await crypto.digest('sha256', metadata)]])],
    ]);
    this.members.set('meta', meta);
  }
}

/** A rotate file is announced with length and hash: others could sign another one of that version (TAP 8). */
async function announcedOf(rotation: Uint8Array): Promise<readonly (readonly [string, JsonValue])[]> {
  const [, { length = rotation.length, hashes = new Map<string, string>() }] = await rotationMeta(rotation);
  return [
    ['length', length],
    ['hashes', hashes],
  ];
}

/** What the specification names is replaced, what it does not name stays. */
function setMeta(meta: Map<string, JsonValue>, name: string, members: readonly (readonly [string, JsonValue])[]): void {
  const kept = meta.get(name);
  const entry = new Map(isJsonObject(kept) ? kept : []);
  for (const member of ['version', 'length', 'hashes']) entry.delete(member);
  for (const [member, value] of members) entry.set(member, value);
  meta.set(name, entry);
}
