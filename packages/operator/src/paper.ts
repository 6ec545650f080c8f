import type { SecurityModel } from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import type { CeremonyHolder, HeldKey } from './ceremony-holders.ts';

/** Texts that a ceremony leaves for people: short, plain ASCII, made to be printed. */

interface Facts {
  readonly now: Date;
  readonly expires: Date;
  readonly treesExpire: Date;
  readonly fingerprint: string;
  readonly model: SecurityModel;
  readonly online: PublicKey;
  readonly root: { readonly holders: number; readonly threshold: number };
  readonly targets: { readonly holders: number; readonly threshold: number };
  readonly holders: readonly CeremonyHolder[];
}

/** The record of a ceremony: everything public that it made. */
export function transcript(facts: Facts): string {
  const { root, targets, model, holders, online } = facts;
  const keys = holders.flatMap(({ name, keys: held }) =>
    held.map(
      ({ role, signer: { key }, made }) =>
        `  ${name.padEnd(12)} ${role.padEnd(15)} ${key.scheme}  ${key.keyid}${made ? '' : '  (brought)'}`,
    ),
  );
  const alike = model === 'minimum' ? 'targets' : `targets${model === 'maximum' ? ', rarely-updated' : ''} and claimed`;
  const signs = model === 'minimum' ? 'unclaimed' : 'recently-claimed, unclaimed';
  return [
    'Key ceremony',
    `held        ${facts.now.toISOString()}`,
    `valid until ${facts.expires.toISOString()}  (root, targets)`,
    ...(model === 'minimum' ? [] : [`            ${facts.treesExpire.toISOString()}  (the empty trees below targets)`]),
    `model       ${model}`,
    '',
    `Root fingerprint (SHA-256 of root.json)`,
    `  ${groupsOfFour(facts.fingerprint)}`,
    '',
    'Offline keys',
    ...keys,
    `  root needs ${root.threshold} of ${root.holders}, ${alike} ${targets.threshold} of ${targets.holders}`,
    ...irreplaceable(facts),
    '',
    `Online key (timestamp, snapshot, ${signs})`,
    `  ${'index'.padEnd(12)} ${online.scheme}  ${online.keyid}`,
    '',
  ].join('\n');
}

/** A key in a token has no copy: one that breaks must not be one too many. */
function irreplaceable({ root, holders }: Facts): readonly string[] {
  const own = holders.filter(({ keys: [first] }) => first?.role === 'root' && !first.made).map(({ name }) => name);
  if (own.length === 0 || root.threshold < root.holders) return [];
  return [
    `  ! root needs all of its keys, and the one that ${own.join(' and ')} brought may have no copy. If it is lost, root can never be`,
    '    signed again, and every user has to trust a new one. Rather have one holder more than must sign.',
  ];
}

/** What a holder must know; it lies beside the keys. */
export function instructions(holder: string, keys: readonly HeldKey[], fingerprint: string): string {
  return [
    `This folder belongs to the holder of the offline keys ${holder}.`,
    '',
    ...keys.map(({ role, signer }) => `  ${role.padEnd(15)} ${signer.key.keyid}`),
    `  root of trust   ${groupsOfFour(fingerprint)}`,
    '',
    ...(keys.some(({ made }) => made) ? OF_FOLDERS : OF_BROUGHT_KEYS),
    '4. You will be asked to sign every few weeks, before anything expires, and if a key is stolen.',
    '',
  ].join('\n');
}

const OF_FOLDERS = [
  '1. Copy the folder to two memory sticks of your own, and delete it here. No two holders keep their sticks in one place.',
  '2. Keep the passphrase somewhere else than the sticks. Nobody can restore it.',
  '3. Never plug the sticks into the index machine, nor into any machine with a network.',
];
const OF_BROUGHT_KEYS = [
  '1. No key is in this folder: it is where it was when you brought it. Keep this paper with it, and not where another holder keeps theirs.',
  '2. Keep its PIN or passphrase somewhere else. Nobody can restore that, nor a token that is lost: say so at once, and the others replace it.',
  '3. Never plug it into the index machine, nor into any machine with a network.',
];

export const groupsOfFour = (hex: string): string => (hex.match(/.{1,4}/g) ?? []).join(' ');
