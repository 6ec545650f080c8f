import type { JsonObject } from '../json/value.ts';
import { type Metadata, type Root, type RoleKeys, TOP_LEVEL_ROLES, type TopLevelRole } from '../model.ts';
import { parseCommon, parseRoleKeys } from './common.ts';
import { parseEnvelope } from './envelope.ts';
import { asFlag, asObject } from './fields.ts';
import { parseKeys } from './key.ts';

/** Reads a root (§4.3); nothing is verified yet. @throws FormatError */
export function parseRoot(bytes: Uint8Array): Metadata<Root> {
  return parseEnvelope(bytes, rootFrom);
}

function rootFrom(signed: JsonObject): Root {
  const common = parseCommon(signed, 'root', ['consistent_snapshot', 'keys', 'roles']);
  const listed = asObject(signed.get('roles'), 'signed.roles');
  const roles = new Map<TopLevelRole, RoleKeys>();
  for (const role of TOP_LEVEL_ROLES) {
    roles.set(role, parseRoleKeys(asObject(listed.get(role), `signed.roles.${role}`), `signed.roles.${role}`));
  }
  return {
    ...common,
    type: 'root',
    consistentSnapshot: asFlag(signed.get('consistent_snapshot'), 'signed.consistent_snapshot'),
    keys: parseKeys(signed.get('keys'), 'signed.keys'),
    roles,
  };
}
