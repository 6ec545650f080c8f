import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { minimumDelegations } from '@holdfast/trust';
import { type JsonObject, type PublicKey, rootJson, type Signer, signMetadata, targetsJson } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeFileAtomic, writeKeyFile } from '@holdfast/tuf/node';
import { OfflineDirectoryError } from './errors.ts';
import { rootFingerprint } from './fingerprint.ts';
import { instructions, transcript } from './paper.ts';

/** What a key ceremony starts from (PEP 458 "Key ceremony"; P4, P5). */
export interface Ceremony {
  /** Where the offline keys are written, a folder for each holder. Must hold no keys yet. */
  readonly offlineDirectory: string;
  /** The public half of the index's online key: it will sign timestamp, snapshot and unclaimed. */
  readonly online: PublicKey;
  readonly root: { readonly holders: number; readonly threshold: number };
  readonly targets: { readonly holders: number; readonly threshold: number };
  /** How long root and targets are valid, in seconds. */
  readonly lifetime: number;
  readonly now: Date;
  /** The passphrase that encrypts the key of one holder, such as `root-1`. */
  passphraseFor(holder: string): Promise<string>;
}

export interface CeremonyResult {
  /** Signed `1.root.json`. */
  readonly root: Uint8Array;
  /** Signed `1.targets.json`. */
  readonly targets: Uint8Array;
  readonly fingerprint: string;
  /** What was made, when, with which keys: text to print and keep. */
  readonly transcript: string;
  /** The folder of each holder. */
  readonly folders: readonly string[];
}

interface Holder {
  readonly name: string;
  readonly signer: LocalSigner;
}

/**
 * Makes the offline keys and signs the first root and targets metadata with them. Private keys are written, encrypted,
 * to `offlineDirectory` and nowhere else; what is returned is public.
 * @throws OfflineDirectoryError when the directory holds keys already
 */
export async function holdCeremony(ceremony: Ceremony): Promise<CeremonyResult> {
  await mkdir(ceremony.offlineDirectory, { recursive: true, mode: 0o700 });
  if ((await readdir(ceremony.offlineDirectory)).length > 0) {
    throw new OfflineDirectoryError(ceremony.offlineDirectory, 'holds keys already');
  }
  const root = await makeHolders('root', ceremony.root.holders);
  const targets = await makeHolders('targets', ceremony.targets.holders);
  const expires = new Date(Math.floor(ceremony.now.getTime() / 1000 + ceremony.lifetime) * 1000);
  const signed = {
    root: await signMetadata(firstRoot(ceremony, root, targets, expires), signers(root)),
    targets: await signMetadata(firstTargets(ceremony, expires), signers(targets)),
  };
  const fingerprint = rootFingerprint(signed.root);
  const text = transcript({ ...ceremony, holders: [...root, ...targets], expires, fingerprint });
  const folders: string[] = [];
  for (const holder of [...root, ...targets]) folders.push(await storeHolder(ceremony, holder, fingerprint));
  await writeFileAtomic(join(ceremony.offlineDirectory, 'root.json'), signed.root);
  await writeFileAtomic(join(ceremony.offlineDirectory, 'transcript.txt'), new TextEncoder().encode(text));
  return { ...signed, fingerprint, transcript: text, folders };
}

const signers = (holders: readonly Holder[]): Signer[] => holders.map((holder) => holder.signer);
const keyids = (holders: readonly Holder[]): string[] => holders.map((holder) => holder.signer.key.keyid);

async function makeHolders(role: string, count: number): Promise<Holder[]> {
  const holders: Holder[] = [];
  for (let number = 1; number <= count; number++) {
    holders.push({ name: `${role}-${number}`, signer: await generateKey('ed25519') });
  }
  return holders;
}

function firstRoot(ceremony: Ceremony, root: Holder[], targets: Holder[], expires: Date): JsonObject {
  const online = { keyids: [ceremony.online.keyid], threshold: 1 };
  return rootJson({
    version: 1,
    expires,
    consistentSnapshot: true,
    keys: [...signers(root), ...signers(targets)].map((signer) => signer.key).concat(ceremony.online),
    roles: {
      root: { keyids: keyids(root), threshold: ceremony.root.threshold },
      targets: { keyids: keyids(targets), threshold: ceremony.targets.threshold },
      snapshot: online,
      timestamp: online,
    },
  });
}

function firstTargets(ceremony: Ceremony, expires: Date): JsonObject {
  return targetsJson({
    version: 1,
    expires,
    targets: new Map(),
    delegations: {
      keys: new Map([[ceremony.online.keyid, ceremony.online]]),
      roles: minimumDelegations({ keyids: [ceremony.online.keyid], threshold: 1 }),
    },
  });
}

async function storeHolder(ceremony: Ceremony, holder: Holder, fingerprint: string): Promise<string> {
  const folder = join(ceremony.offlineDirectory, holder.name);
  await mkdir(folder, { mode: 0o700 });
  await writeKeyFile(join(folder, 'key.json'), holder.signer, await ceremony.passphraseFor(holder.name));
  const text = instructions(holder.name, holder.signer.key.keyid, fingerprint);
  await writeFileAtomic(join(folder, 'README.txt'), new TextEncoder().encode(text));
  return folder;
}
