import { FormatError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json/value.ts';
import { type PublicKey, type RoleKeys, TOP_LEVEL_ROLES, type TopLevelRole } from '../model.ts';
import { parseKeys } from '../parse/key.ts';
import { parseRoleKeys } from '../parse/common.ts';
import { type KeySet, replaceKeys, roleKeysOf } from './key-set.ts';
import { MetadataEditor } from './metadata-editor.ts';

/** The next version of root (§4.3). */
export class RootEditor extends MetadataEditor {
  constructor(signedBytes: Uint8Array | undefined) {
    super('root', signedBytes, { consistent_snapshot: true, keys: new Map(), roles: new Map() });
  }

  /** Who signs a top-level role from now on: the whole list, not an addition to it. */
  setKeys(role: TopLevelRole, keySet: KeySet): void {
    const { keyids, threshold } = roleKeysOf(role, keySet);
    const before = this.usedKeyids();
    const roles = this.objectMember('roles');
    const kept = roles.get(role);
    const entry: JsonObject = new Map([
      ...(isJsonObject(kept) ? kept : []),
      ['keyids', keyids],
      ['threshold', threshold],
    ]);
    this.members.set('roles', new Map([...roles, [role, entry]]));
    const used = { before, after: this.usedKeyids() };
    this.members.set('keys', replaceKeys(this.objectMember('keys'), keySet.keys, used));
  }

  /** Who signs a top-level role, as it stands. */
  keysOf(role: TopLevelRole): KeySet {
    const { keyids, threshold } = this.roleKeys(role);
    const listed = parseKeys(this.objectMember('keys'), 'signed.keys');
    return { keys: keyids.flatMap((keyid) => listed.get(keyid) ?? []), threshold };
  }

  /** Puts one key in the place of another in every role that lists it. */
  replaceKey(keyid: string, key: PublicKey): void {
    this.eachRoleWith(keyid, ({ keys, threshold }) => ({
      keys: keys.map((listed) => (listed.keyid === keyid ? key : listed)),
      threshold,
    }));
  }

  /** Takes a key out of every role that lists it. @throws FormatError when a role's other keys cannot reach its threshold */
  revokeKey(keyid: string): void {
    this.eachRoleWith(keyid, ({ keys, threshold }) => ({
      keys: keys.filter((listed) => listed.keyid !== keyid),
      threshold,
    }));
  }

  private eachRoleWith(keyid: string, change: (keySet: KeySet) => KeySet): void {
    const roles = TOP_LEVEL_ROLES.filter((role) => this.roleKeys(role).keyids.includes(keyid));
    if (roles.length === 0) throw new FormatError('signed.keys', `${keyid} signs no role`);
    // The key leaves with its last role, so all sets are made before the first one is written.
    const changed = roles.map((role) => [role, change(this.keysOf(role))] as const);
    for (const [role, keySet] of changed) this.setKeys(role, keySet);
  }

  private roleKeys(role: TopLevelRole): RoleKeys {
    const entry = this.objectMember('roles').get(role);
    return isJsonObject(entry) ? parseRoleKeys(entry, `signed.roles.${role}`) : { keyids: [], threshold: 1 };
  }

  private usedKeyids(): ReadonlySet<string> {
    return new Set(TOP_LEVEL_ROLES.flatMap((role) => this.roleKeys(role).keyids));
  }
}
