import { FormatError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { type DelegatedRole, type Delegations, type SuccinctRoles, TOP_LEVEL_ROLES } from '../model.ts';
import { parseRoleKeys } from './common.ts';
import { asArray, asFlag, asInteger, asObject, asString, asStrings } from './fields.ts';
import { parseKeys } from './key.ts';

const WHERE = 'signed.delegations';
const RESERVED: ReadonlySet<string> = new Set(TOP_LEVEL_ROLES);

/** §4.5: an ordered list of roles, or (TAP 15) one description of many bins; exactly one of the two. */
export function parseDelegations(value: JsonValue): Delegations {
  const object = asObject(value, WHERE);
  const keys = parseKeys(object.get('keys'), `${WHERE}.keys`);
  const roles = object.get('roles');
  const succinct = object.get('succinct_roles');
  if ((roles === undefined) === (succinct === undefined)) {
    throw new FormatError(WHERE, 'should have either roles or succinct_roles');
  }
  if (succinct !== undefined)
    return { keys, roles: [], succinct: succinctRoles(asObject(succinct, `${WHERE}.succinct_roles`)) };
  const names = new Set<string>();
  return {
    keys,
    roles: asArray(roles, `${WHERE}.roles`).map((item) => {
      const role = delegatedRole(asObject(item, `${WHERE}.roles[]`));
      if (names.has(role.name)) throw new FormatError(`${WHERE}.roles`, `delegates to ${role.name} twice`);
      names.add(role.name);
      return role;
    }),
  };
}

function delegatedRole(object: JsonObject): DelegatedRole {
  const where = `${WHERE}.roles[]`;
  const name = asString(object.get('name'), `${where}.name`);
  if (name === '' || RESERVED.has(name))
    throw new FormatError(`${where}.name`, `${JSON.stringify(name)} is not a name for a delegated role`);
  const terminating = asFlag(object.get('terminating'), `${where}.terminating`);
  const paths = object.get('paths');
  const prefixes = object.get('path_hash_prefixes');
  if (paths !== undefined && prefixes !== undefined)
    throw new FormatError(where, `${name} should not have both paths and path_hash_prefixes`);
  const common = { ...parseRoleKeys(object, where), name, terminating };
  if (paths !== undefined) return { ...common, paths: asStrings(paths, `${where}.paths`) };
  if (prefixes !== undefined)
    return { ...common, pathHashPrefixes: asStrings(prefixes, `${where}.path_hash_prefixes`) };
  return common;
}

function succinctRoles(object: JsonObject): SuccinctRoles {
  const where = `${WHERE}.succinct_roles`;
  const bitLength = asInteger(object.get('bit_length'), 1, `${where}.bit_length`);
  if (bitLength > 32) throw new FormatError(`${where}.bit_length`, 'should be at most 32');
  return {
    ...parseRoleKeys(object, where),
    bitLength,
    namePrefix: asString(object.get('name_prefix'), `${where}.name_prefix`),
  };
}
