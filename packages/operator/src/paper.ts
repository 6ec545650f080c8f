import type { PublicKey, Signer } from '@holdfast/tuf';

/** Texts that a ceremony leaves for people: short, plain ASCII, made to be printed. */

interface Facts {
  readonly now: Date;
  readonly expires: Date;
  readonly fingerprint: string;
  readonly online: PublicKey;
  readonly root: { readonly holders: number; readonly threshold: number };
  readonly targets: { readonly holders: number; readonly threshold: number };
  readonly holders: readonly { readonly name: string; readonly signer: Signer }[];
}

/** The record of a ceremony: everything public that it made. */
export function transcript(facts: Facts): string {
  const keys = facts.holders.map(
    ({ name, signer }) => `  ${name.padEnd(12)} ${signer.key.scheme}  ${signer.key.keyid}`,
  );
  return [
    'Key ceremony',
    `held        ${facts.now.toISOString()}`,
    `valid until ${facts.expires.toISOString()}  (root and targets)`,
    '',
    `Root fingerprint (SHA-256 of root.json)`,
    `  ${groupsOfFour(facts.fingerprint)}`,
    '',
    'Offline keys',
    ...keys,
    `  root needs ${facts.root.threshold} of ${facts.root.holders}, targets needs ${facts.targets.threshold} of ${facts.targets.holders}`,
    '',
    'Online key (timestamp, snapshot, unclaimed)',
    `  ${'index'.padEnd(12)} ${facts.online.scheme}  ${facts.online.keyid}`,
    '',
  ].join('\n');
}

/** What the holder of one key must know; it lies beside the key. */
export function instructions(holder: string, keyid: string, fingerprint: string): string {
  return [
    `This folder belongs to the holder of the offline key ${holder}.`,
    '',
    `  key   ${keyid}`,
    `  root  ${groupsOfFour(fingerprint)}`,
    '',
    '1. Copy the folder to two memory sticks of your own, and delete it here. No two holders keep their sticks in one place.',
    '2. Keep the passphrase somewhere else than the sticks. Nobody can restore it.',
    '3. Never plug the sticks into the index machine, nor into any machine with a network.',
    '4. You will be asked to sign before root and targets expire, and if an online key is stolen.',
    '',
  ].join('\n');
}

const groupsOfFour = (hex: string): string => (hex.match(/.{1,4}/g) ?? []).join(' ');
