import { FormatError } from '../errors.ts';
import type { JsonObject } from '../json/value.ts';
import type { Metadata, PublicKey, RoleKeys } from '../model.ts';
import { parseEnvelope } from '../parse/envelope.ts';
import { asInteger, asObject, asString, without } from '../parse/fields.ts';
import { parseKeys } from '../parse/key.ts';

/** A rotate file (TAP 8): signed by a threshold of a role's keys, it says which keys come after them. Never expires. */
export interface Rotation {
  /** `_type`. */
  readonly type: 'rotate';
  /** Counts the rotations of the role from 1. */
  readonly version: number;
  /** The role whose keys change. */
  readonly role: string;
  /** Who signs from now on, by keyid. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  /** How many different keys of these have to. */
  readonly threshold: number;
  /** Members that TAP 8 does not name, as they were read. */
  readonly unrecognized: JsonObject;
}

const OWN_NAMES: ReadonlySet<string> = new Set(['_type', 'version', 'role', 'keys', 'threshold']);

/** The type of the null key (TAP 20), which nobody can sign with: a rotation to it revokes the role. */
export const NULL_KEYTYPE = 'null';

/** Reads a rotate file (TAP 8); nothing is verified yet. @throws FormatError */
export function parseRotation(bytes: Uint8Array): Metadata<Rotation> {
  return parseEnvelope(bytes, rotationFrom);
}

function rotationFrom(signed: JsonObject): Rotation {
  if (asString(signed.get('_type'), 'signed._type') !== 'rotate')
    throw new FormatError('signed._type', 'should be rotate');
  const rotation: Rotation = {
    type: 'rotate',
    version: asInteger(signed.get('version'), 1, 'signed.version'),
    role: asString(signed.get('role'), 'signed.role'),
    keys: parseKeys(asObject(signed.get('keys'), 'signed.keys'), 'signed.keys'),
    threshold: asInteger(signed.get('threshold'), 1, 'signed.threshold'),
    unrecognized: without(signed, OWN_NAMES),
  };
  checkRotationKeys([...rotation.keys.values()], rotation.threshold);
  return rotation;
}

/** A rotation to fewer keys than the threshold would shut the role out without saying so. @throws FormatError */
export function checkRotationKeys(keys: readonly PublicKey[], threshold: number): void {
  if (threshold > keys.length)
    throw new FormatError('signed.threshold', `is ${threshold}, but there are ${keys.length} keys`);
}

/** TAP 20: a rotate file that contains the null key revokes the role, whatever else it contains. */
export function isRevocation({ keys }: Rotation): boolean {
  for (const { keytype } of keys.values()) if (keytype === NULL_KEYTYPE) return true;
  return false;
}

/** The keys that a rotation makes the role's. */
export function rotatedKeys({ keys, threshold }: Rotation): RoleKeys {
  return { keyids: [...keys.keys()], threshold };
}
