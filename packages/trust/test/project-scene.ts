import assert from 'node:assert/strict';
import { normalizeName } from '@holdfast/python-index';
import { type JsonObject, type Signer, signMetadata } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import {
  checkTransaction,
  type CheckedTransaction,
  type Distribution,
  type LabelledDelegation,
  ProjectRoleEditor,
  type ProjectState,
  type ProjectTransaction,
  type TransactionFault,
  TransactionRefusedError,
} from '../src/index.ts';

export const DEMO = normalizeName('demo');
/** What names the index. */
export const INDEX = '5f'.repeat(32);
export const OWN = 'project.demo';
export const WINDOWS = 'project.demo.windows';
export const NOW = new Date('2026-11-21T12:00:00Z');
export const LATER = new Date('2028-11-21T12:00:00Z');

const [alice, bob, wendy, mallory] = await Promise.all([
  generateKey('ed25519'),
  generateKey('ecdsa-sha2-nistp256'),
  generateKey('ed25519'),
  generateKey('ed25519'),
]);
export { alice, bob, mallory, wendy };

/** A file of the project as an index stores it. */
export function fileNamed(filename: string, content = filename): Distribution {
  return {
    project: DEMO,
    filename,
    sha256: Buffer.from(content).toString('hex').padEnd(64, '0').slice(0, 64),
    size: content.length,
    uploadTime: new Date('2026-11-20T08:00:00.123Z'),
    ...(filename.endsWith('.whl') && {
      requiresPython: '>=3.10',
      coreMetadata: { sha256: 'cd'.repeat(32), size: 512 },
    }),
  };
}

export const ONE = fileNamed('demo-1.0-py3-none-any.whl');
export const TWO = fileNamed('demo-2.0.tar.gz');
export const WIN_ONE = fileNamed('demo-1.0-cp313-cp313-win_amd64.whl');
export const WIN_TWO = fileNamed('demo-2.0-cp313-cp313-win_amd64.whl');

/** What the index has, by filename. */
export const STORED: ReadonlyMap<string, Distribution> = new Map(
  [ONE, TWO, WIN_ONE, WIN_TWO].map((file) => [file.filename, file]),
);

export const keysOf = (...signers: readonly Signer[]) => new Map(signers.map(({ key }) => [key.keyid, key]));

export const toWendy: LabelledDelegation = {
  label: 'windows',
  filenames: ['*-win_amd64.whl', '*-win32.whl'],
  keys: [wendy.key],
  threshold: 1,
};

/** The next version of a role, edited and signed. */
export async function nextVersion(
  role: string,
  present: Uint8Array | undefined,
  signers: readonly LocalSigner[],
  edit: (editor: ProjectRoleEditor) => void = () => {},
  { expires = LATER, last = 0 }: { expires?: Date; last?: number } = {},
): Promise<Uint8Array> {
  const editor = new ProjectRoleEditor(role, present, last);
  edit(editor);
  return signMetadata(editor.build(expires), signers);
}

/** A role whose JSON is changed before it is signed: what no editor would write. */
export async function changedVersion(
  role: string,
  present: Uint8Array | undefined,
  signers: readonly LocalSigner[],
  change: (signed: JsonObject) => JsonObject,
): Promise<Uint8Array> {
  return signMetadata(change(new ProjectRoleEditor(role, present).build(LATER)), signers);
}

const published = {
  own: await nextVersion(OWN, await nextVersion(OWN, undefined, [alice]), [alice], (role) => {
    role.setFile(ONE);
    role.delegate(toWendy);
  }),
  windows: await nextVersion(WINDOWS, undefined, [wendy], (role) => role.setFile(WIN_ONE)),
};

/** Claimed by Alice, who trusts Wendy with wheels for Windows; each of both roles lists one file. */
export const CLAIMED_STATE: ProjectState = {
  project: DEMO,
  index: INDEX,
  standing: 'claimed',
  role: OWN,
  keys: keysOf(alice),
  threshold: 1,
  rotations: 0,
  roles: new Map([
    [OWN, published.own],
    [WINDOWS, published.windows],
  ]),
};

/** Nobody's yet, with one published file. */
export const UNCLAIMED_STATE: ProjectState = {
  project: DEMO,
  index: INDEX,
  standing: 'unclaimed',
  keys: new Map(),
  threshold: 0,
  rotations: 0,
  roles: new Map(),
};

export function check(
  transaction: ProjectTransaction,
  state: ProjectState = CLAIMED_STATE,
  stored: ReadonlyMap<string, Distribution> = STORED,
): Promise<CheckedTransaction> {
  return checkTransaction(state, transaction, { now: NOW, fileOf: (filename) => stored.get(filename) });
}

/** The state in which a published transaction leaves the project. */
export function after(state: ProjectState, checked: CheckedTransaction): ProjectState {
  const roles = new Map(state.roles);
  for (const role of checked.retired) roles.delete(role);
  for (const { role, bytes } of checked.roles) roles.set(role, bytes);
  const { role, keys, threshold, rotations, revoked } = checked;
  const standing = checked.claim ? 'recently-claimed' : state.standing;
  return { project: state.project, index: state.index, standing, role, keys, threshold, rotations, revoked, roles };
}

export const transactionOf = (
  roles: Readonly<Record<string, Uint8Array>>,
  more: Omit<ProjectTransaction, 'roles'> = {},
): ProjectTransaction => ({ roles: new Map(Object.entries(roles)), ...more });

/** Codes that {@link refused} met. */
export const seenFaults = new Set<TransactionFault>();

/** The transaction is refused for that reason, and the sentence says more than the code. */
export async function refused(
  code: TransactionFault,
  transaction: ProjectTransaction,
  state: ProjectState = CLAIMED_STATE,
  stored = STORED,
): Promise<TransactionRefusedError> {
  const error = await check(transaction, state, stored).then(
    () => assert.fail(`accepted instead of ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TransactionRefusedError, String(error));
  assert.equal(error.code, code, error.message);
  seenFaults.add(code);
  assert.ok(error.message.length > 40 && error.message.endsWith('.'), error.message);
  return error;
}
