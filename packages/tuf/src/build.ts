import { toJson } from './json/to-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json/value.ts';
import type { Delegations, MetaFile, PublicKey, RoleKeys, TargetFile, TopLevelRole } from './model.ts';
import { formatExpires } from './parse/common.ts';
import { FormatError } from './errors.ts';

/** The version of the specification that this package follows and writes. */
export const SPEC_VERSION = '1.0.34';

/**
 * What the signed part of every role is made of (§4.3). All functions that take it throw a {@link FormatError} for
 * values that no client would read.
 */
export interface CommonInput {
  /** At least 1, and one more than the version it replaces. */
  readonly version: number;
  /** Written in UTC, to the second. */
  readonly expires: Date;
  /** Further members of `signed`; they may not replace those that the specification names. */
  readonly extra?: JsonObject;
}

/** For {@link rootJson}. */
export interface RootInput extends CommonInput {
  /** Whether names of files carry versions and hashes (§6.2); new repositories should. */
  readonly consistentSnapshot: boolean;
  /** All keys that a role names. */
  readonly keys: readonly PublicKey[];
  /** Who signs each of the four. */
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>;
}

/** `signed` of a root (§4.3). */
export function rootJson(input: RootInput): JsonObject {
  return signedJson('root', input, {
    consistent_snapshot: input.consistentSnapshot,
    keys: keysJson(input.keys),
    roles: new Map(Object.entries(input.roles).map(([role, keys]) => [role, roleKeysJson(keys)])),
  });
}

/** `signed` of a timestamp (§4.6). */
export function timestampJson(input: CommonInput & { readonly snapshot: MetaFile }): JsonObject {
  return signedJson('timestamp', input, { meta: new Map([['snapshot.json', metaFileJson(input.snapshot)]]) });
}

/** `signed` of a snapshot (§4.4); names end in `.json`. */
export function snapshotJson(input: CommonInput & { readonly meta: ReadonlyMap<string, MetaFile> }): JsonObject {
  const meta = new Map<string, JsonValue>();
  for (const [name, file] of input.meta) meta.set(name, metaFileJson(file));
  return signedJson('snapshot', input, { meta });
}

/** For {@link targetsJson}. */
export interface TargetsInput extends CommonInput {
  /** By target path. */
  readonly targets: ReadonlyMap<string, TargetFile>;
  /** Left out when `undefined`. */
  readonly delegations?: Delegations | undefined;
}

/** `signed` of targets or of a delegated role (§4.5). */
export function targetsJson(input: TargetsInput): JsonObject {
  const targets = new Map<string, JsonValue>();
  for (const [path, file] of input.targets) targets.set(path, targetFileJson(file));
  const { delegations } = input;
  return signedJson('targets', input, {
    targets,
    ...(delegations === undefined ? {} : { delegations: delegationsJson(delegations) }),
  });
}

function signedJson(type: string, input: CommonInput, own: Readonly<Record<string, JsonValue>>): JsonObject {
  if (!Number.isSafeInteger(input.version) || input.version < 1)
    throw new FormatError('signed.version', 'should be at least 1');
  const signed = new Map<string, JsonValue>([
    ['_type', type],
    ['expires', formatExpires(input.expires)],
    ['spec_version', SPEC_VERSION],
    ['version', input.version],
    ...Object.entries(own),
  ]);
  for (const [name, value] of input.extra ?? []) {
    if (signed.has(name)) throw new FormatError(`signed.${name}`, 'is given twice');
    signed.set(name, value);
  }
  return signed;
}

function delegationsJson({ keys, roles, succinct }: Delegations): JsonValue {
  const common = { keys: keysJson([...keys.values()]) };
  if (succinct !== undefined) {
    const bins = { ...roleKeysPlain(succinct), bit_length: succinct.bitLength, name_prefix: succinct.namePrefix };
    return toJson({ ...common, succinct_roles: bins });
  }
  return toJson({
    ...common,
    roles: roles.map((role) => ({
      ...roleKeysPlain(role),
      name: role.name,
      terminating: role.terminating,
      paths: role.paths,
      path_hash_prefixes: role.pathHashPrefixes,
    })),
  });
}

function keysJson(keys: readonly PublicKey[]): JsonValue {
  return new Map<string, JsonValue>(keys.map((key) => [key.keyid, key.json]));
}

function roleKeysPlain({ keyids, threshold }: RoleKeys): { keyids: readonly string[]; threshold: number } {
  return { keyids, threshold };
}

function roleKeysJson(keys: RoleKeys): JsonObject {
  const json = toJson(roleKeysPlain(keys));
  return isJsonObject(json) ? json : new Map();
}

function metaFileJson({ version, length, hashes }: MetaFile): JsonValue {
  return toJson({ version, length, hashes });
}

function targetFileJson({ length, hashes, custom }: TargetFile): JsonValue {
  const json = new Map<string, JsonValue>([
    ['hashes', hashes],
    ['length', length],
  ]);
  if (custom !== undefined) json.set('custom', custom);
  return json;
}
