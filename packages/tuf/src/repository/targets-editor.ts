import { FormatError } from '../errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import { toJson } from '../json/to-json.ts';
import type { Delegations, TargetFile } from '../model.ts';
import { parseDelegations } from '../parse/delegations.ts';
import { type KeySet, replaceKeys, roleKeysOf } from './key-set.ts';
import { checkServable, rolePath } from './layout.ts';
import { isRotationRole } from './rotations.ts';
import { MetadataEditor } from './metadata-editor.ts';

/** Exactly one of `paths` and `pathHashPrefixes` (hex) says what is delegated. */
export interface NewDelegation extends KeySet {
  /** Of the delegated role: a path segment that every file system can hold. */
  readonly name: string;
  /** Patterns, see {@link PathPattern}. */
  readonly paths?: readonly string[];
  /** Starts of the lower-case hex SHA-256 of target paths. */
  readonly pathHashPrefixes?: readonly string[];
  /** Whether the search ends at this role for what it covers; default false. */
  readonly terminating?: boolean;
  /** The role that this one is asked before; without it a new role is asked last, and a known one stays where it is. */
  readonly before?: string;
}

/** TAP 15: `2 ** bitLength` bins named `<namePrefix>-<hex>`. */
export interface NewBins extends KeySet {
  /** 1 to 32. */
  readonly bitLength: number;
  /** What the names of all bins begin with. */
  readonly namePrefix: string;
}

/** A million bins; readers take up to 32 (TAP 15), but every bin is a file. */
const MAX_BIT_LENGTH = 20;

/** The next version of targets or of a delegated role (§4.5). */
export class TargetsEditor extends MetadataEditor {
  private readonly files: Map<string, JsonValue>;
  private edited = false;
  private parsed: { readonly delegations: Delegations | undefined } | undefined;

  constructor(signedBytes: Uint8Array | undefined) {
    super('targets', signedBytes, { targets: new Map(), delegations: new Map() });
    if (signedBytes === undefined) this.members.delete('delegations');
    this.files = new Map(this.objectMember('targets'));
    if (this.members.has('targets')) this.members.set('targets', this.files);
  }

  /** The target paths that the new version lists. */
  get paths(): Iterable<string> {
    return this.files.keys();
  }

  /** Adds a target, or replaces it. */
  setTarget(path: string, { length, hashes, custom }: TargetFile): void {
    checkServable('target', path);
    if (hashes.size === 0) throw new FormatError(`targets[${path}].hashes`, 'is empty');
    this.files.set(path, toJson({ length, hashes, custom }));
    this.members.set('targets', this.files);
  }

  /** Whether there was one. */
  removeTarget(path: string): boolean {
    return this.files.delete(path);
  }

  /** What the new version delegates; `undefined` for nothing. */
  get delegations(): Delegations | undefined {
    if (this.parsed === undefined) {
      const json = this.members.get('delegations');
      this.parsed = { delegations: json === undefined ? undefined : parseDelegations(json) };
    }
    return this.parsed.delegations;
  }

  /** Whether a delegation was added, changed or removed. */
  get hasNewDelegations(): boolean {
    return this.edited;
  }

  /** Delegates to a role, or changes what is delegated to it and who signs it. */
  delegate(delegation: NewDelegation): void {
    const { name, paths, pathHashPrefixes, terminating = false, before } = delegation;
    checkServable('role', rolePath(name, 1));
    if (isRotationRole(name)) throw new FormatError('role', `${name} is the name of a rotate file`);
    const roles = this.roleEntries();
    const index = roles.findIndex((role) => role.get('name') === name);
    const { keyids, threshold } = roleKeysOf(name, delegation);
    const entry = new Map<string, JsonValue>([
      ...(roles[index] ?? []),
      ...Object.entries({ name, keyids, threshold, terminating }),
    ]);
    entry.delete('paths');
    entry.delete('path_hash_prefixes');
    if (paths !== undefined) entry.set('paths', paths);
    if (pathHashPrefixes !== undefined) entry.set('path_hash_prefixes', pathHashPrefixes);
    if (index === -1) roles.push(entry);
    else roles[index] = entry;
    this.writeRoles(before === undefined ? roles : moved(roles, entry, before), delegation);
  }

  /** Whether it was delegated to. Its metadata stays listed in the snapshot, as clients want it (§5.5.5). */
  undelegate(name: string): boolean {
    const roles = this.roleEntries();
    const kept = roles.filter((role) => role.get('name') !== name);
    if (kept.length < roles.length) this.writeRoles(kept, { keys: [] });
    return kept.length < roles.length;
  }

  /** Delegates everything to bins (TAP 15), or changes who signs the bins that are there; their number stays. */
  delegateBins(bins: NewBins): void {
    const { bitLength, namePrefix } = bins;
    checkServable('name_prefix', rolePath(`${namePrefix}-0`, 1));
    if (bitLength > MAX_BIT_LENGTH)
      throw new FormatError(
        'succinct_roles.bit_length',
        `should be at most ${MAX_BIT_LENGTH}, since every bin is made`,
      );
    const known = this.delegations?.succinct;
    if (known !== undefined && (known.bitLength !== bitLength || known.namePrefix !== namePrefix))
      throw new FormatError('succinct_roles', `is ${2 ** known.bitLength} bins named ${known.namePrefix}-… already`);
    const kept = this.objectMember('delegations').get('succinct_roles');
    const { keyids, threshold } = roleKeysOf(namePrefix, bins);
    const entry = new Map<string, JsonValue>([
      ...(isJsonObject(kept) ? kept : []),
      ...Object.entries({ keyids, threshold, bit_length: bitLength, name_prefix: namePrefix }),
    ]);
    this.writeDelegations('succinct_roles', entry, bins);
  }

  /** Changes who signs a delegated role, or (by their prefix) the bins, and nothing else. */
  setKeys(name: string, keySet: KeySet): void {
    const { roles = [], succinct } = this.delegations ?? {};
    if (succinct?.namePrefix === name) return this.delegateBins({ ...succinct, ...keySet });
    const role = roles.find((role) => role.name === name);
    if (role === undefined) throw new FormatError('delegations', `does not delegate to ${name}`);
    this.delegate({ ...role, ...keySet });
  }

  private roleEntries(): JsonObject[] {
    const roles = this.objectMember('delegations').get('roles');
    return isJsonArray(roles) ? roles.filter(isJsonObject) : [];
  }

  private writeRoles(roles: readonly JsonObject[], added: Pick<KeySet, 'keys'>): void {
    this.writeDelegations('roles', roles, added);
  }

  private writeDelegations(member: 'roles' | 'succinct_roles', value: JsonValue, { keys }: Pick<KeySet, 'keys'>): void {
    const before = usedKeyids(this.delegations);
    const json = new Map(this.objectMember('delegations')).set(member, value);
    const after = usedKeyids(parseDelegations(new Map(json).set('keys', new Map())));
    const listed = json.get('keys');
    json.set('keys', replaceKeys(isJsonObject(listed) ? listed : new Map(), keys, { before, after }));
    this.members.set('delegations', json);
    this.parsed = undefined;
    this.edited = true;
  }
}

function moved(roles: readonly JsonObject[], entry: JsonObject, before: string): readonly JsonObject[] {
  const others = roles.filter((role) => role !== entry);
  const index = others.findIndex((role) => role.get('name') === before);
  if (index === -1) throw new FormatError('delegations', `does not delegate to ${before}`);
  return others.toSpliced(index, 0, entry);
}

function usedKeyids(delegations: Delegations | undefined): ReadonlySet<string> {
  const { roles = [], succinct } = delegations ?? {};
  return new Set([...roles, ...(succinct === undefined ? [] : [succinct])].flatMap(({ keyids }) => keyids));
}
