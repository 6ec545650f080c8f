import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import { asProjectName, type ProjectName } from '@holdfast/python-index';
import { forIndex, type ProjectTransaction } from '@holdfast/trust';
import { isJsonArray, type PublicKey, revocationJson, rotationJson, type Signer, signMetadata } from '@holdfast/tuf';
import { NotYourRoleError, ProjectStateError } from '../errors.ts';
import { checkThreshold } from './claim.ts';
import { editorOf, signRole } from './next-role.ts';
import { type Settled, settle } from './settle.ts';
import type { Workbench } from './workbench.ts';

export interface RotateOptions {
  readonly add: readonly PublicKey[];
  /** Keyids, or beginnings of them. */
  readonly remove: readonly string[];
  /** Default: as before. */
  readonly threshold?: number | undefined;
  readonly expires?: Date | undefined;
}

/** Who signs for a project from now on. */
export interface NewHolders {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
}

/** Changes who signs for a project, by a rotate file (TAP 8) that its present holders sign. @throws ProjectStateError, NotYourRoleError */
export function rotate(bench: Workbench, project: ProjectName, options: RotateOptions): Promise<Settled> {
  return settle(bench, project, async (signing) => {
    const own = ownRole(signing);
    const signers = await signersOf(bench, own, options);
    const after = holdersAfter(own, options);
    const version = own.rotations + 1;
    const json = rotationJson({ role: own.role, version, keys: [...after.keys.values()], threshold: after.threshold });
    const rotation = await signMetadata(forIndex(json, bench.index), signers.present);
    const transaction: ProjectTransaction = { roles: new Map(), rotation };
    if (stillSigned(own, after)) return transaction;
    // Installers that know no rotate files ask for the keys of before until operators have written the new ones down.
    const bytes = await signRole(editorOf(own), signers.all(after), bench, options.expires);
    return { ...transaction, roles: new Map([[own.role, bytes]]) };
  });
}

/**
 * Ends everything that the project's keys signed, for good and at once (TAP 20). Only a new claim, under another name, goes on.
 * @returns the version of the timestamp, or who else has to sign
 */
export async function revoke(bench: Workbench, project: ProjectName): Promise<Settled> {
  return settle(bench, project, async (signing) => {
    const own = ownRole(signing);
    const signer = await presentSigner(bench, own);
    const json = revocationJson({ role: own.role, version: own.rotations + 1 });
    return { roles: new Map(), rotation: await signMetadata(forIndex(json, bench.index), [signer]) };
  });
}

/** The keys after a change. @throws ProjectStateError */
export function holdersAfter(own: SigningRole, { add, remove, threshold = own.threshold }: RotateOptions): NewHolders {
  const keys = new Map(own.keys);
  for (const keyid of remove) {
    const found = [...keys.keys()].filter((each) => keyid.length >= MIN_KEYID && each.startsWith(keyid));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new ProjectStateError(
        `${found.length === 0 ? 'no key' : 'more than one key'} of ${own.role} begins with "${keyid}"`,
        `Its keys are: ${[...own.keys.keys()].join(', ')}`,
      );
    keys.delete(only);
  }
  for (const key of add) keys.set(key.keyid, key);
  if (keys.size === 0)
    throw new ProjectStateError(
      'nobody could sign any more',
      'Add a key in the same command, or revoke the project: holdfast revoke.',
    );
  checkThreshold(threshold, keys.size);
  const isSame =
    threshold === own.threshold && keys.size === own.keys.size && [...keys.keys()].every((id) => own.keys.has(id));
  if (isSame)
    throw new ProjectStateError(
      'that is how it is already',
      'Say what to change: --add CODE, --remove KEYID, --threshold N.',
    );
  return { keys, threshold };
}

const MIN_KEYID = 4;

/** The project's own role. @throws ProjectStateError */
export function ownRole({ name, roles: [own] }: ProjectSigning): SigningRole {
  if (!own)
    throw new ProjectStateError(
      `${name} is not claimed: it has no keys of its own`,
      `Claim it: holdfast claim ${name}`,
    );
  if (own.revoked)
    throw new ProjectStateError(`${name} was revoked already`, `Claim it anew, with a new key: holdfast claim ${name}`);
  return own;
}

async function presentSigner(bench: Workbench, own: SigningRole): Promise<Signer> {
  const signer = await bench.signer();
  if (own.keys.has(signer.key.keyid)) return signer;
  for (const keyid of own.keys.keys()) {
    const other = await bench.otherSigner?.(keyid);
    if (other) return other;
  }
  throw new NotYourRoleError(
    `your key ${signer.key.keyid.slice(0, 12)} is none of those that sign for ${own.role}: ${[...own.keys.keys()].join(', ')}`,
    'Choose one of them with --key.',
  );
}

interface Signers {
  readonly present: readonly Signer[];
  readonly all: (after: NewHolders) => readonly Signer[];
}

/** The key that counts now, and every new one that is at hand. */
async function signersOf(bench: Workbench, own: SigningRole, { add }: RotateOptions): Promise<Signers> {
  const first = await presentSigner(bench, own);
  const chosen = await bench.signer();
  const others = [chosen, ...(await Promise.all(add.map(async ({ keyid }) => bench.otherSigner?.(keyid))))];
  const all = new Map([first, ...others].flatMap((signer) => (signer ? [[signer.key.keyid, signer] as const] : [])));
  return {
    present: [...all.values()].filter(({ key }) => own.keys.has(key.keyid)),
    all: ({ keys }) => [...all.values()].filter(({ key }) => keys.has(key.keyid) || own.keys.has(key.keyid)),
  };
}

/** Whether the version that is published has enough signatures by the new keys. */
function stillSigned({ signed }: SigningRole, { keys, threshold }: NewHolders): boolean {
  return (signed?.signedBy ?? []).filter((keyid) => keys.has(keyid)).length >= threshold;
}

/** Projects of which the account is a member, or holds a key, as the index says. Who signs for them is read from verified metadata. */
export async function projectsOf({ api }: Workbench): Promise<readonly ProjectName[]> {
  const listed = (await api.get('api/v1/account')).get('projects');
  const names = isJsonArray(listed) ? listed : [];
  return names.flatMap((name) => (typeof name === 'string' ? (asProjectName(name) ?? []) : []));
}
