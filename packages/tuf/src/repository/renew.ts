import type { SignedCommon } from '../model.ts';
import type { Circumstances } from './advance.ts';
import { delegatedNames } from './coverage.ts';
import type { Current } from './current.ts';
import type { Draft } from './draft.ts';
import { expiryOf } from './lifetimes.ts';
import { Rotations, unlessRevoked } from './rotations.ts';
import { delegatedNeed, type Need, rootNeed } from './need.ts';

/** A role that has to be signed by somebody who is not here. */
export interface UnsignedRole {
  /** Its name. */
  readonly role: string;
  /** Of the version that is served. */
  readonly expires: Date;
}

/** Gives every role that expires before a time a new version, if its threshold can be reached here; names the others. */
export async function renewDue(draft: Draft, circumstances: Circumstances, before: Date): Promise<UnsignedRole[]> {
  const { current, lifetimes, now, signers } = circumstances;
  const unsigned: UnsignedRole[] = [];
  if (current === undefined) return unsigned;
  const signing = new Map(signers.map(({ key }) => [key.keyid, key.public]));
  const renew = (
    role: string,
    { expires }: SignedCommon,
    editor: { setExpires(expires: Date): void },
    needs: readonly Need[],
  ): void => {
    if (expires >= before) return;
    if (needs.every((need) => canSign(need, signing))) editor.setExpires(expiryOf(role, lifetimes, now));
    else unsigned.push({ role, expires });
  };
  for (const role of ['root', 'snapshot', 'timestamp'] as const) {
    const signed = role === 'root' ? current.root : current[role].signed;
    renew(role, signed, draft[role], [rootNeed(current.root, role)]);
  }
  await openAll(draft, current);
  const rotations = new Rotations(current);
  const roles = new Map(Array.from(draft.roles, (role) => [role.name, role]));
  for (const { name, base, chains, editor } of roles.values()) {
    if (base === undefined) continue;
    const needs: Need[] = [];
    for (const chain of chains) {
      const above = roles.get(chain.at(-2) ?? '')?.base?.signed.delegations;
      const start = name === 'targets' ? rootNeed(current.root, name) : delegatedNeed(above, name);
      if (start !== undefined) needs.push(await rotations.need(start, name));
    }
    renew(name, base.signed, editor, needs);
  }
  return unsigned;
}

/** Every role that is served and that some role still delegates to. */
async function openAll(draft: Draft, current: Current): Promise<void> {
  // Roles that are opened meanwhile come along in the same loop.
  for (const role of draft.roles)
    for (const child of delegatedNames(role.editor.delegations))
      if (current.version(child) > 0) await unlessRevoked(role.role(child));
}

function canSign({ roleKeys }: Need, signing: ReadonlyMap<string, string>): boolean {
  const materials = new Set(roleKeys.keyids.flatMap((keyid) => signing.get(keyid) ?? []));
  return materials.size >= roleKeys.threshold;
}
