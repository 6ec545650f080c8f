import { FormatError, NotDelegatedError } from '../errors.ts';
import type { Metadata, Root, Targets } from '../model.ts';
import { parseRoot } from '../parse/root.ts';
import { parseTargets } from '../parse/targets.ts';
import { parseRotation, type Rotation } from '../rotation/rotation.ts';
import type { Current } from './current.ts';
import { delegatedNeed, type Need, rootNeed } from './need.ts';
import type { Proposal, ProposedRole } from './proposal.ts';
import { isRotationRole, rotationRole, Rotations } from './rotations.ts';

/** What the repository would be with a proposal: who would have to have signed what. */
export class Prospect {
  readonly root: Root;
  private readonly current: Current | undefined;
  private readonly proposal: Proposal;
  private readonly rotations: Rotations;
  private readonly parsed = new Map<string, Metadata<Targets>>();

  /** @throws FormatError when neither has a root */
  constructor(current: Current | undefined, proposal: Proposal) {
    this.current = current;
    this.proposal = proposal;
    const added = [...proposal.roles.values()].filter(({ role }) => isRotationRole(role));
    this.rotations = new Rotations(current, new Map(added.map(({ role, metadata }) => [role, metadata])));
    const root = proposal.roles.get('root');
    const signed = root === undefined ? current?.root : parseRoot(root.metadata).signed;
    if (signed === undefined) throw new FormatError('root', 'is missing', undefined, 'root');
    this.root = signed;
  }

  /** @throws NotDelegatedError for a role that no role along its chain delegates */
  async needs({ role, chains, metadata }: ProposedRole): Promise<readonly Need[]> {
    const own = topLevelNeed(this.root, role);
    // §5.3.4: a new root is signed by the old root's keys as well.
    if (role === 'root' && this.current !== undefined)
      return [rootNeed(this.current.root, 'root'), rootNeed(this.root, 'root')];
    if (role === 'targets' && own !== undefined) return [await this.rotations.need(own, role)];
    if (own !== undefined) return [own];
    const rotation = isRotationRole(role) ? parseRotation(metadata).signed : undefined;
    const needs: Need[] = [];
    for (const chain of chains) needs.push(await this.delegatedNeed(role, chain, rotation));
    if (needs.length === 0) throw new NotDelegatedError(role, role);
    return needs;
  }

  private async delegatedNeed(proposed: string, chain: readonly string[], rotation?: Rotation): Promise<Need> {
    const role = chain.at(-1) ?? '';
    const start = delegatedNeed((await this.targets(chain.slice(0, -1))).signed.delegations, role);
    const name = rotation === undefined ? role : rotationRole(rotation.role, rotation.version);
    if (start === undefined || name !== proposed || (rotation?.role ?? role) !== role)
      throw new NotDelegatedError(role, proposed);
    return rotation === undefined
      ? this.rotations.need(start, role)
      : this.rotations.needOfRotation(start, role, rotation.version);
  }

  /** The role at the end of a chain, as it would be. */
  private async targets(chain: readonly string[]): Promise<Metadata<Targets>> {
    const role = chain.at(-1) ?? '';
    const proposed = this.proposal.roles.get(role);
    if (proposed !== undefined) {
      const known = this.parsed.get(role) ?? parseTargets(proposed.metadata);
      this.parsed.set(role, known);
      return known;
    }
    if (chain.length === 1 && role === 'targets' && this.current !== undefined) return this.current.targets;
    if (chain.length < 2 || this.current === undefined) throw new NotDelegatedError(role, role);
    const { delegations } = (await this.targets(chain.slice(0, -1))).signed;
    return this.current.role(role, delegations);
  }
}

export function topLevelNeed(root: Root, role: string): Need | undefined {
  if (role === 'root' || role === 'timestamp' || role === 'snapshot' || role === 'targets') return rootNeed(root, role);
  return undefined;
}
