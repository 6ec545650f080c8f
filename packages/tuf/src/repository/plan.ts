import { equalBytes } from '../bytes.ts';
import { encodeJson } from '../json/canonical.ts';
import { toJson } from '../json/to-json.ts';
import type { Delegations, RoleKeys } from '../model.ts';
import { signMetadata } from '../sign.ts';
import { delegatedNames } from './coverage.ts';
import type { Current } from './current.ts';
import type { Draft } from './draft.ts';
import { expiryOf, type Lifetimes } from './lifetimes.ts';
import type { MetadataEditor, VersionWish } from './metadata-editor.ts';
import { delegatedNeed, missingFor, type Need } from './need.ts';
import { type OnlineRole, Proposal, type ProposedRole } from './proposal.ts';
import { rotationRole, Rotations, unlessRevoked } from './rotations.ts';
import type { RoleDraft } from './role-draft.ts';

/** The next version of every role that changed, or whose signatures would no longer do; unsigned as yet. */
export async function planProposal(
  draft: Draft,
  current: Current | undefined,
  lifetimes: Lifetimes,
  now: Date,
): Promise<Proposal> {
  const roles: ProposedRole[] = [];
  const add = async (role: string, editor: MetadataEditor, replaces: number, chains: ProposedRole['chains']) => {
    const version = editor.wish.version ?? replaces + 1;
    const signed = editor.build(version, editor.wish.expires ?? expiryOf(role, lifetimes, now));
    roles.push({ role, metadata: await signMetadata(signed, []), replaces, chains, needs: [] });
  };
  if (draft.root.isChanged) await add('root', draft.root, current?.version('root') ?? 0, []);
  await openAffected(draft);
  const opened = new Map(Array.from(draft.roles, (role) => [role.name, role]));
  const rotations = rotationsOf(current, opened.values());
  for (const role of opened.values()) {
    const { name, editor, replaces } = role;
    const chains = role.chains.filter((chain) => isStillDelegated(opened, chain));
    // What was edited and then taken away is not asked for by anybody.
    if (chains.length === 0) continue;
    for (const [version, metadata] of role.rotations)
      roles.push({ role: rotationRole(name, version), metadata, replaces: 0, chains, needs: [] });
    if (editor.isChanged || !(await isStillSigned(draft, opened, role, chains, rotations)))
      await add(name, editor, replaces, name === 'targets' ? [] : chains);
  }
  return new Proposal(roles, wishesOf(draft));
}

/** Opens every role that is delegated anew, or to other keys: it is made, or signed again. */
async function openAffected(draft: Draft): Promise<void> {
  // Roles that are opened meanwhile come along in the same loop.
  for (const role of draft.roles) {
    const { delegations, hasNewDelegations } = role.editor;
    if (delegations === undefined || !hasNewDelegations) continue;
    for (const child of affectedChildren(role.base?.signed.delegations, delegations)) await role.role(child);
  }
}

function affectedChildren(before: Delegations | undefined, after: Delegations): readonly string[] {
  if (after.succinct !== undefined) {
    const differ = !equalBytes(describe(before, before?.succinct), describe(after, after.succinct));
    return differ ? delegatedNames(after) : [];
  }
  const known = new Map(before?.roles.map((role) => [role.name, role]));
  return after.roles
    .filter((role) => !equalBytes(describe(before, known.get(role.name)), describe(after, role)))
    .map(({ name }) => name);
}

/** Who signs, in one form for equal keys and thresholds. */
function describe(delegations: Delegations | undefined, roleKeys: RoleKeys | undefined): Uint8Array {
  const keys = roleKeys?.keyids.map((keyid) => [keyid, delegations?.keys.get(keyid)?.json ?? null]) ?? null;
  return encodeJson(toJson([roleKeys?.threshold ?? null, keys]));
}

/** Whether every role of a chain still delegates to the next one. */
function isStillDelegated(opened: ReadonlyMap<string, RoleDraft>, chain: readonly string[]): boolean {
  return chain.every((role, index) => index === 0 || needOf(opened, chain.slice(0, index), role) !== undefined);
}

async function isStillSigned(
  draft: Draft,
  opened: ReadonlyMap<string, RoleDraft>,
  { base, name }: RoleDraft,
  chains: readonly (readonly string[])[],
  rotations: Rotations,
): Promise<boolean> {
  if (base === undefined) return false;
  for (const chain of chains) {
    const start = name === 'targets' ? targetsNeed(draft) : needOf(opened, chain.slice(0, -1), name);
    const need = start && (await unlessRevoked(rotations.need(start, name)));
    if (need !== undefined && (await missingFor(name, base, need)) !== undefined) return false;
  }
  return true;
}

function rotationsOf(current: Current | undefined, opened: Iterable<RoleDraft>): Rotations {
  const added = Array.from(opened, ({ name, rotations }) =>
    Array.from(rotations, ([version, file]) => [rotationRole(name, version), file] as const),
  );
  return new Rotations(current, new Map(added.flat()));
}

function needOf(opened: ReadonlyMap<string, RoleDraft>, parents: readonly string[], role: string): Need | undefined {
  return delegatedNeed(opened.get(parents.at(-1) ?? '')?.editor.delegations, role);
}

function targetsNeed(draft: Draft): Need {
  const { keys, threshold } = draft.root.keysOf('targets');
  const keyids = keys.map(({ keyid }) => keyid);
  return { keys: new Map(keys.map((key) => [key.keyid, key])), roleKeys: { keyids, threshold } };
}

function wishesOf(draft: Draft): Map<OnlineRole, VersionWish> {
  const wishes = new Map<OnlineRole, VersionWish>();
  for (const role of ['snapshot', 'timestamp'] as const) {
    const { wish } = draft[role];
    if (wish.version !== undefined || wish.expires !== undefined) wishes.set(role, wish);
  }
  return wishes;
}
