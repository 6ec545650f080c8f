/** A role's name as one path segment, escaped as other TUF clients do: everything but letters, digits and `_.-~`. */
export function encodeRoleName(role: string): string {
  return encodeURIComponent(role).replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
}
