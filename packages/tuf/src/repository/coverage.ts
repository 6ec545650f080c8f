import { crypto } from '#crypto';
import { candidatesFor, candidatesIn } from '../delegation/match.ts';
import type { Delegations } from '../model.ts';

/** The bin of a path (TAP 15), or undefined where the role has no bins. */
export async function binOf(delegations: Delegations | undefined, path: string): Promise<string | undefined> {
  if (delegations?.succinct === undefined) return undefined;
  return candidatesFor(delegations, await sought(path))[0]?.name;
}

export async function isDelegated(delegations: Delegations | undefined, role: string, path: string): Promise<boolean> {
  if (delegations === undefined) return false;
  return candidatesFor(delegations, await sought(path)).some(({ name }) => name === role);
}

async function sought(path: string): Promise<{ readonly path: string; readonly hash: string }> {
  return { path, hash: await crypto.digest('sha256', new TextEncoder().encode(path)) };
}

/** Every role that is delegated to, bins one by one. */
export function delegatedNames(delegations: Delegations | undefined): readonly string[] {
  if (delegations?.succinct === undefined) return delegations?.roles.map(({ name }) => name) ?? [];
  return candidatesIn(delegations, '', 2 ** delegations.succinct.bitLength).map(({ name }) => name);
}
