import type { ProjectName } from '@holdfast/python-index';
import type { DelegatedRole, PublicKey, Targets } from '@holdfast/tuf';
import { type ComparisonBudget, isWithin } from '../pattern-containment.ts';
import { isLabel, MAX_LABELS, parseProjectRole } from '../project-role.ts';
import { projectDirectory } from '../target-path.ts';
import { checkKeys, keyProblem } from './keys.ts';
import { MAX_DELEGATIONS_OF_PROJECT, MAX_KEYS, MAX_PATTERN_LENGTH, MAX_PATTERNS } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';

/** What may stand behind the directory of a project: what filenames are made of, `*` and `?`. All TUF clients read these alike. */
const FILENAMES = /^[A-Za-z0-9._+!*?-]+$/;

/** A role to which one of the project delegates. */
export interface DelegatedTo {
  readonly name: string;
  readonly paths: readonly string[];
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
}

interface Place {
  readonly project: ProjectName;
  readonly role: string;
  /** What was delegated to the role itself. */
  readonly paths: readonly string[];
  readonly budget: ComparisonBudget;
}

/**
 * What a role of a project delegates: nobody delegates more than was delegated to them (M6).
 * @throws TransactionRefusedError (`DELEGATION_FORM`, `DELEGATION_NAME`, `DELEGATION_OUTSIDE`, `TOO_DEEP`)
 */
export function delegationsOf({ delegations }: Pick<Targets, 'delegations'>, place: Place): readonly DelegatedTo[] {
  if (!delegations) return [];
  const { role } = place;
  if (delegations.succinct)
    throw new TransactionRefusedError(
      'DELEGATION_FORM',
      role,
      'it delegates to hashed bins. Delegate by patterns of filenames.',
    );
  return delegations.roles.map((delegated) => {
    checkName(role, delegated.name);
    const paths = checkedPaths(place, delegated);
    const keys = new Map<string, PublicKey>();
    for (const keyid of delegated.keyids) {
      const key = delegations.keys.get(keyid);
      if (!key)
        throw new TransactionRefusedError('KEYS', delegated.name, `${role} names the key ${keyid} without listing it.`);
      keys.set(keyid, key);
    }
    return { name: delegated.name, paths, keys, threshold: delegated.threshold };
  });
}

/** Whether others can read the keys that a new version lists. @throws TransactionRefusedError (`KEYS`) */
export async function checkDelegatedKeys(
  role: string,
  { delegations }: Pick<Targets, 'delegations'>,
  delegated: readonly DelegatedTo[],
): Promise<void> {
  const listed = delegations?.keys ?? new Map<string, PublicKey>();
  if (listed.size > MAX_DELEGATIONS_OF_PROJECT * MAX_KEYS)
    throw new TransactionRefusedError(
      'KEYS',
      role,
      `it lists ${listed.size} keys. List those that its delegations name.`,
    );
  for (const to of delegated) await checkKeys(to.name, to);
  for (const key of listed.values()) {
    const problem = await keyProblem(key);
    if (problem !== undefined)
      throw new TransactionRefusedError(
        'KEYS',
        role,
        `the key ${key.keyid} cannot be used: ${problem}. Nothing was changed.`,
      );
  }
}

function checkName(role: string, name: string): void {
  const label = name.startsWith(`${role}.`) ? name.slice(role.length + 1) : '';
  if (!isLabel(label))
    throw new TransactionRefusedError(
      'DELEGATION_NAME',
      role,
      `it delegates to ${JSON.stringify(name)}. A name is its own and a label, such as ${role}.windows: a letter, then letters, digits and hyphens.`,
    );
  if (!parseProjectRole(name))
    throw new TransactionRefusedError(
      'TOO_DEEP',
      name,
      `delegations go ${MAX_LABELS} deep. Delegate to it from further up.`,
    );
}

function checkedPaths({ project, role, paths, budget }: Place, delegated: DelegatedRole): readonly string[] {
  const { name, terminating, paths: given = [] } = delegated;
  const refuse = (problem: string): never => {
    throw new TransactionRefusedError('DELEGATION_FORM', name, problem);
  };
  if (terminating) refuse('it is delegated to as terminating. The search ends at the project anyhow: leave that out.');
  if (given.length === 0) refuse('nothing is delegated to it. Give patterns of filenames, such as *-win_amd64.whl.');
  if (given.length > MAX_PATTERNS) refuse(`it has ${given.length} patterns, and ${MAX_PATTERNS} are the most.`);
  const directory = projectDirectory(project);
  for (const pattern of given) {
    const filenames = pattern.startsWith(directory) ? pattern.slice(directory.length) : '';
    if (pattern.length > MAX_PATTERN_LENGTH) refuse('a pattern is too long.');
    if (FILENAMES.test(filenames) && paths.some((own) => isWithin(pattern, own, budget))) continue;
    const why =
      pattern.startsWith(directory) && !FILENAMES.test(filenames)
        ? 'A pattern of filenames has letters and digits of ASCII, . _ + ! - and * or ?, such as *-win_amd64.whl.'
        : `It was itself delegated ${paths.join(', ')}. Nobody passes on more than they have.`;
    const sentence = `${role} delegates ${JSON.stringify(pattern)}. ${why}`;
    throw new TransactionRefusedError('DELEGATION_OUTSIDE', name, sentence);
  }
  return given;
}
