import { encodeRoleName } from '../client/role-name.ts';

/** Under which name a snapshot lists a role's rotate file of that version, and a store keeps it (TAP 8). */
export function rotationName(role: string, version: number): string {
  return `rotate/${role}.rotate.${version}.json`;
}

/**
 * The file below the metadata's address, percent-encoded. The version is in the name, so there is no other in front of
 * it, with consistent snapshots either.
 */
export function rotationPath(role: string, version: number): string {
  return `rotate/${encodeRoleName(role)}.rotate.${version}.json`;
}
