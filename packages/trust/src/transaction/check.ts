import { parseTargets } from '@holdfast/tuf';
import { parseProjectRole } from '../project-role.ts';
import { type Distribution, decodeTarget } from '../target.ts';
import { type Authority, authorityAfter } from './authority.ts';
import { checkFile, type FileOf, fileOfProject } from './files.ts';
import { MAX_TRANSACTION_BYTES } from './limits.ts';
import { TransactionRefusedError } from './refused.ts';
import { type RoleAfter, type RolesAfter, rolesAfter, type UnsignedRole } from './role-tree.ts';
import type { CheckedRole, CheckedTransaction, ProjectState, ProjectTransaction } from './transaction.ts';

/** What a check needs to know besides. */
export interface TransactionContext {
  readonly now: Date;
  readonly fileOf: FileOf;
}

/**
 * Everything that the index demands of a project transaction (M6, M7), as a pure function: it says what the project is after it, or
 * why it is refused. Nobody is asked who sent it: signatures decide.
 * @throws TransactionRefusedError
 */
export async function checkTransaction(
  state: ProjectState,
  transaction: ProjectTransaction,
  { now, fileOf }: TransactionContext,
): Promise<CheckedTransaction> {
  checkOutline(state, transaction);
  const authority = await authorityAfter(state, transaction);
  if (authority.revoked) return revocation(state, transaction, authority);
  const after = await rolesAfter(state, transaction, authority, now);
  const reached = new Set(after.roles.map(({ role }) => role));
  for (const role of transaction.roles.keys()) {
    if (!reached.has(role))
      throw new TransactionRefusedError(
        'ROLE_NOT_DELEGATED',
        role,
        `nothing in ${state.project} delegates to it. Send the role along that does, or leave this one out.`,
      );
  }
  checkSigned(after.signatures + authority.signatures, transaction);
  return {
    ...standingOf(authority),
    roles: after.roles.flatMap(checkedRole),
    retired: [...state.roles.keys()].filter((role) => !reached.has(role)),
    files: filesOf(state, after, fileOf),
    waiting: new Map([...authority.waiting, ...after.waiting]),
  };
}

/** What can be seen without reading anything. */
function checkOutline({ project }: ProjectState, { roles, rotation }: ProjectTransaction): void {
  if (roles.size === 0 && !rotation)
    throw new TransactionRefusedError(
      'EMPTY',
      undefined,
      'it holds no role and no rotation. There is nothing to publish.',
    );
  let bytes = rotation?.length ?? 0;
  for (const [role, { length }] of roles) {
    bytes += length;
    if (parseProjectRole(role)?.project !== project)
      throw new TransactionRefusedError(
        'ROLE_NAME',
        role,
        `it is no role of ${project}. A transaction for one project changes that project and nothing else.`,
      );
  }
  if (bytes > MAX_TRANSACTION_BYTES)
    throw new TransactionRefusedError(
      'TOO_LARGE',
      undefined,
      `it has ${bytes} bytes, and ${MAX_TRANSACTION_BYTES} are the most. Delegate some files to a role of their own.`,
    );
}

/** Somebody must have signed something: who only knows a token leaves nothing behind. */
function checkSigned(signatures: number, { roles }: ProjectTransaction): void {
  if (signatures === 0)
    throw new TransactionRefusedError(
      'UNSIGNED',
      [...roles.keys()][0],
      'none of its keys has signed it. Sign it with one of them; others may follow.',
    );
}

/** TAP 20: nothing that the role signed counts any more, and nothing comes with that. */
function revocation(state: ProjectState, transaction: ProjectTransaction, authority: Authority): CheckedTransaction {
  if (transaction.roles.size > 0)
    throw new TransactionRefusedError('REVOKED', authority.role, 'it is being revoked: send nothing else with that.');
  checkSigned(authority.signatures, transaction);
  const none = { roles: [], files: new Map<string, Distribution>() };
  return { ...standingOf(authority), ...none, retired: [...state.roles.keys()], waiting: authority.waiting };
}

function standingOf({ claim, role, keys, threshold, rotations, rotation, revoked }: Authority) {
  return { claim, role, keys, threshold, rotations, rotation, revoked };
}

function checkedRole({ role, metadata, isNew }: RoleAfter): CheckedRole[] {
  const { version, expires } = metadata.signed;
  return isNew ? [{ role, version, expires, bytes: metadata.bytes }] : [];
}

function filesOf(
  state: ProjectState,
  { roles, unsigned }: RolesAfter,
  fileOf: FileOf,
): ReadonlyMap<string, Distribution> {
  const published = publishedFiles(state);
  const files = new Map<string, Distribution>();
  for (const [at, { role, metadata, isNew, reach }] of roles.entries()) {
    const before = unsigned.filter(({ after }) => after <= at);
    for (const target of metadata.signed.targets) {
      const file = fileOfProject(state.project, role, reach, target);
      checkFound(role, target[0], before);
      if (files.has(file.filename))
        throw new TransactionRefusedError(
          'FILE_TWICE',
          role,
          `it lists ${file.filename}, which another role of the project lists already. Remove it from one of them.`,
        );
      if (isNew) checkFile(role, file, fileOf(file.filename), published.get(file.filename));
      files.set(file.filename, file);
    }
  }
  return files;
}

/** A search that meets a role without metadata ends there (TUF 1.0.34 §5.6.7), so that none may stand before a file. */
function checkFound(role: string, path: string, before: readonly UnsignedRole[]): void {
  const unsigned = before.find(({ reach }) => reach.has(path));
  if (unsigned)
    throw new TransactionRefusedError(
      'ROLE_MISSING',
      unsigned.role,
      `nobody has signed it yet, and ${path}, which ${role} lists, is searched there first. Send its first version along, or delegate to it behind ${role}.`,
    );
}

/** What the project's roles list so far. */
function publishedFiles({ roles }: ProjectState): ReadonlyMap<string, Distribution> {
  const files = new Map<string, Distribution>();
  for (const bytes of roles.values()) {
    for (const [path, file] of parseTargets(bytes).signed.targets) {
      const distribution = decodeTarget(path, file);
      files.set(distribution.filename, distribution);
    }
  }
  return files;
}
