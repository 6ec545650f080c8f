import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicKey, Signer } from '@holdfast/tuf';
import { generateKey, type LocalSigner, writeFileAtomic, writeKeyFile } from '@holdfast/tuf/node';
import { HoldersError } from './errors.ts';
import type { OfflineRole } from './holders.ts';
import { instructions } from './paper.ts';

/** A key that a holder has for a role. */
export interface HeldKey {
  readonly role: OfflineRole;
  readonly signer: Signer;
  /** To be written, where it was made here. */
  readonly made: LocalSigner | undefined;
}

export interface CeremonyHolder {
  /** Such as `root-1`. */
  readonly name: string;
  /** The key of the role that gives the holder its name comes first. */
  readonly keys: readonly HeldKey[];
}

/**
 * Makes keys for the holders of a role: one for each role that they hold. Those who bring a key have that one for all of them.
 * @throws HoldersError
 */
export async function makeHolders(
  name: string,
  { holders, own = [] }: { readonly holders: number; readonly own?: readonly Signer[] },
  roles: readonly OfflineRole[],
): Promise<CeremonyHolder[]> {
  if (own.length > holders)
    throw new HoldersError(`${own.length} keys are brought for ${name}, which has ${holders} holders`);
  const all: CeremonyHolder[] = [];
  for (let number = 1; number <= holders; number++) {
    const brought = own[number - 1 - (holders - own.length)];
    const keys: HeldKey[] = [];
    for (const role of roles) {
      const made = brought ? undefined : await generateKey('ed25519');
      const signer = brought ?? made;
      if (signer) keys.push({ role, signer, made });
    }
    all.push({ name: `${name}-${number}`, keys });
  }
  return all;
}

/** The keys of a role, by holder. */
export function signersOfRole(holders: readonly CeremonyHolder[], role: OfflineRole): Signer[] {
  return holders.flatMap(({ keys }) => keys.filter((key) => key.role === role).map(({ signer }) => signer));
}

export function keysOfRole(holders: readonly CeremonyHolder[], role: OfflineRole): PublicKey[] {
  return signersOfRole(holders, role).map(({ key }) => key);
}

export interface HolderFolder {
  readonly offlineDirectory: string;
  passphraseFor(holder: string): Promise<string>;
}

/** Asks all holders who need one, before anything is written: who stops here leaves no half of a ceremony behind. */
export async function askPassphrases(
  holders: readonly CeremonyHolder[],
  passphraseFor: HolderFolder['passphraseFor'],
): Promise<HolderFolder['passphraseFor']> {
  const given = new Map<string, string>();
  for (const { name, keys } of holders) if (keys.some(({ made }) => made)) given.set(name, await passphraseFor(name));
  return async (name) => given.get(name) ?? passphraseFor(name);
}

/** Writes what a holder takes away: keys under one passphrase, and what to do with them. @returns the folder */
export async function writeHolder(
  { offlineDirectory, passphraseFor }: HolderFolder,
  { name, keys }: CeremonyHolder,
  fingerprint: string,
): Promise<string> {
  const folder = join(offlineDirectory, name);
  await mkdir(folder, { mode: 0o700 });
  if (keys.some(({ made }) => made)) {
    const passphrase = await passphraseFor(name);
    for (const [at, { role, made }] of keys.entries())
      if (made) await writeKeyFile(join(folder, at === 0 ? 'key.json' : `${role}.json`), made, passphrase);
  }
  const text = instructions(name, keys, fingerprint);
  await writeFileAtomic(join(folder, 'README.txt'), new TextEncoder().encode(text));
  return folder;
}
