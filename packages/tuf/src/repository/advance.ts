import { ExpiredError, type MissingSignatures, OutdatedProposalError, RollbackError } from '../errors.ts';
import type { Root } from '../model.ts';
import type { Signer } from '../sign.ts';
import type { Current } from './current.ts';
import type { Lifetimes } from './lifetimes.ts';
import { missingFor, type Need, rootNeed } from './need.ts';
import { nextOnlineRole } from './online.ts';
import { parseProposed, Proposal, type ProposedRole, signRole } from './proposal.ts';
import { Prospect, topLevelNeed } from './prospect.ts';

export interface Circumstances {
  /** `undefined` where the proposal makes a repository. */
  readonly current: Current | undefined;
  readonly signers: readonly Signer[];
  readonly lifetimes: Lifetimes;
  readonly now: Date;
}

export interface Advanced {
  readonly proposal: Proposal;
  /** Empty when it can be published. */
  readonly missing: readonly MissingSignatures[];
}

/**
 * Takes a proposal as far as the signers at hand allow: signs its roles; once those are complete makes and signs the
 * snapshot that lists them; then the timestamp that names the snapshot.
 * @throws OutdatedProposalError, RollbackError, ExpiredError, NotDelegatedError, FormatError
 */
export async function advance(proposal: Proposal, circumstances: Circumstances): Promise<Advanced> {
  const { current, lifetimes, now } = circumstances;
  const prospect = new Prospect(current, proposal);
  let advanced = await signAll(proposal, [...proposal.roles.values()], prospect, circumstances);
  for (const role of ['snapshot', 'timestamp'] as const) {
    if (advanced.missing.length > 0) return advanced;
    if (advanced.proposal.roles.has(role)) continue;
    const next = await nextOnlineRole(role, advanced.proposal, current, prospect, lifetimes, now);
    if (next !== undefined) advanced = await signAll(advanced.proposal, [next], prospect, circumstances);
  }
  return advanced;
}

async function signAll(
  proposal: Proposal,
  roles: readonly ProposedRole[],
  prospect: Prospect,
  circumstances: Circumstances,
): Promise<Advanced> {
  const signed = new Map(proposal.roles);
  const missing: MissingSignatures[] = [];
  for (const role of roles) {
    checkNext(role, prospect, circumstances);
    const needs = await prospect.needs(role);
    const listed = { ...role, needs: needs.map(({ roleKeys }) => roleKeys) };
    const entry = await signRole(listed, signersOf(role.role, needs, circumstances));
    signed.set(role.role, entry);
    missing.push(...(await missingOf(entry, needs)));
  }
  return { proposal: new Proposal(signed.values(), proposal.wishes), missing };
}

/** Root's old and new threshold are one to whoever has to be asked, as long as they are the same. */
async function missingOf(role: ProposedRole, needs: readonly Need[]): Promise<Iterable<MissingSignatures>> {
  const missing = new Map<string, MissingSignatures>();
  for (const need of needs) {
    const lacking = await missingFor(role.role, parseProposed(role), need);
    if (lacking !== undefined) missing.set(JSON.stringify(lacking), lacking);
  }
  return missing.values();
}

/** Keys that are being replaced sign once more where they can: so there is no moment at which readers trust neither. */
function signersOf(role: string, needs: readonly Need[], { current, signers }: Circumstances): readonly Signer[] {
  const outgoing = current === undefined ? undefined : topLevelNeed(current.root, role);
  const keyids = new Set(
    [...needs, ...(outgoing === undefined ? [] : [outgoing])].flatMap((need) => need.roleKeys.keyids),
  );
  return signers.filter(({ key }) => keyids.has(key.keyid));
}

function checkNext(proposed: ProposedRole, { root }: Prospect, { current, now }: Circumstances): void {
  const { role, replaces } = proposed;
  const { version, expires } = parseProposed(proposed).signed;
  const served = current?.version(role) ?? 0;
  if (served !== replaces) throw new OutdatedProposalError(role, replaces, served);
  if (version <= served && (current === undefined || !forgetsOnlineRoles(current.root, root)))
    throw new RollbackError(role, served, version);
  if (expires !== undefined && expires <= now) throw new ExpiredError(role, expires, now);
}

/**
 * Whether clients that follow this change of root drop the timestamp and the snapshot that they trust, and with them the
 * memory of every version (§5.3.11); also clients that only drop what the new keys did not sign.
 */
function forgetsOnlineRoles(before: Root, after: Root): boolean {
  return (['timestamp', 'snapshot'] as const).every((role) => {
    const { keys, roleKeys } = rootNeed(after, role);
    const old = materials(rootNeed(before, role));
    const kept = [...materials({ keys, roleKeys })].filter((material) => old.has(material));
    return kept.length < roleKeys.threshold;
  });
}

function materials({ keys, roleKeys }: Need): ReadonlySet<string> {
  return new Set(roleKeys.keyids.map((keyid) => keys.get(keyid)?.public ?? keyid));
}
