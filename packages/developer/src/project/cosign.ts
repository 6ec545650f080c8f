import type { ProjectSigning } from '@holdfast/installer';
import type { ProjectTransaction } from '@holdfast/trust';
import { addSignature, isJsonObject, parseJson, type PublicKey } from '@holdfast/tuf';
import { NotYourRoleError, ProjectStateError } from '../errors.ts';
import { describeTransaction, partsOf, type TransactionView } from './describe-transaction.ts';
import type { WaitingTransaction } from './project-status.ts';
import type { TransactionAnswer } from './project-transaction.ts';
import { projectApi, type Workbench } from './workbench.ts';

/** A transaction of somebody else that waits for signatures, and what it would change. */
export interface Cosignable {
  readonly waiting: WaitingTransaction;
  readonly view: TransactionView;
  /** Parts that this key may sign and has not signed. */
  readonly mine: readonly string[];
}

/** What waits, as one holder sees it. */
export function cosignable(
  signing: ProjectSigning,
  transactions: readonly WaitingTransaction[],
  key: PublicKey,
): readonly Cosignable[] {
  return transactions.map((waiting) => {
    const parts = partsOf(signing, waiting.transaction);
    const mine = parts.filter(
      ({ keys, metadata }) =>
        keys.has(key.keyid) && !metadata.signatures.some(({ keyid, sig }) => keyid === key.keyid && sig !== ''),
    );
    return {
      waiting,
      view: describeTransaction(signing, waiting.transaction),
      mine: mine.map(({ name }) => name),
    };
  });
}

/** Adds this person's signature to the parts that are theirs, and sends all of it again. @throws NotYourRoleError, ProjectStateError */
export async function cosign(
  bench: Workbench,
  signing: ProjectSigning,
  { waiting: { transaction }, mine }: Cosignable,
): Promise<TransactionAnswer> {
  if (mine.length === 0)
    throw new NotYourRoleError(
      'there is nothing in it that your key may sign and has not signed',
      'Sign with another key: --key KEYID.',
    );
  checkIndex(bench, signing, transaction);
  const signer = await bench.signer();
  const sign = (name: string, bytes: Uint8Array): Promise<Uint8Array> | Uint8Array =>
    mine.includes(name) ? addSignature(bytes, signer) : bytes;
  const roles = new Map<string, Uint8Array>();
  for (const [role, bytes] of transaction.roles) roles.set(role, await sign(role, bytes));
  const rotation = transaction.rotation && (await signRotation(signing, transaction, sign));
  return projectApi(bench, signing.name).send({ ...transaction, roles, ...(rotation && { rotation }) });
}

/** What others made may be meant for another index, where the same keys have the same project. @throws ProjectStateError */
function checkIndex({ index }: Workbench, signing: ProjectSigning, transaction: ProjectTransaction): void {
  for (const { metadata } of partsOf(signing, transaction)) {
    const signed = parseJson(metadata.signedBytes);
    if (isJsonObject(signed) && signed.get('index') === index) continue;
    throw new ProjectStateError(
      `what waits for ${signing.name} was not made for this index`,
      'Sign nothing of it, and ask whoever brought it.',
    );
  }
}

async function signRotation(
  signing: ProjectSigning,
  transaction: ProjectTransaction,
  sign: (name: string, bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): Promise<Uint8Array | undefined> {
  const entry = partsOf(signing, transaction).find(({ name }) => !transaction.roles.has(name));
  return transaction.rotation && sign(entry?.name ?? '', transaction.rotation);
}
