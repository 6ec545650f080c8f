import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  changedHolders,
  type HolderRole,
  type Holders,
  holdersNow,
  isOfflineRole,
  OFFLINE_ROLES,
  type OfflineRole,
  type SigningOrder,
  type Term,
} from '@holdfast/operator';
import { type Bulletin, bulletinMember, modelOf, type SecurityModel } from '@holdfast/trust';
import type { Metadata, PublicKey, Root, Targets } from '@holdfast/tuf';
import { type Options, text, texts } from '../../arguments.ts';
import { UsageError } from '../../command.ts';
import { publicKeyNamed } from './holder-keys.ts';

export const ORDER_OPTIONS = {
  model: { type: 'string' },
  add: { type: 'string', multiple: true },
  remove: { type: 'string', multiple: true },
  threshold: { type: 'string', multiple: true },
  lifetime: { type: 'string', multiple: true },
  renew: { type: 'string', multiple: true },
  bulletin: { type: 'string' },
  'no-bulletin': { type: 'boolean' },
} as const;
export const ORDER_HELP = [
  'What else changes; ROLE is root, targets, claimed, rarely-updated, or online for all that the index signs by itself:',
  '  --model MODEL            another security model: minimum, legacy or maximum',
  '  --add ROLE=KEY           a new key for a role: NAME.public.json, or any key that can be opened here',
  '  --remove ROLE=KEYID      a key that leaves a role; the beginning of its id is enough',
  '  --threshold ROLE=N       how many holders must sign from now on',
  '  --renew ROLE             sign all of a role again, not only what nears its expiry',
  '  --lifetime ROLE=DAYS     how long what is signed now is good (root and targets 365, claimed and rarely-updated 180)',
  '  --bulletin FILE          a text that every user is shown once; --no-bulletin takes the present one away',
  'All but --renew and --lifetime of one role may be given more than once.',
].join('\n');

const DAY_MS = 86_400_000;
/** After every expiry. */
const ALWAYS = new Date('9999-12-31T00:00:00Z');
const LIFETIME_DAYS: Readonly<Record<OfflineRole, number>> = {
  root: 365,
  targets: 365,
  claimed: 180,
  'rarely-updated': 180,
};

export interface PresentOrder {
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
  readonly now: Date;
  readonly publication: number;
}

/** What the options ask for. @throws UsageError, HoldersError */
export async function orderFrom(options: Options, present: PresentOrder): Promise<SigningOrder> {
  const { now, publication, targets } = present;
  return {
    now,
    publication,
    model: modelFrom(text(options, 'model') ?? modelOf(targets.signed)),
    holders: await holdersFrom(options, present),
    terms: termsFrom(options, now),
    bulletin: await bulletinFrom(options, now),
  };
}

function modelFrom(model: string | undefined): SecurityModel {
  if (model === 'minimum' || model === 'legacy' || model === 'maximum') return model;
  throw new UsageError(`--model takes minimum, legacy or maximum, not "${model}"`);
}

async function holdersFrom(options: Options, { root, targets }: PresentOrder): Promise<Map<HolderRole, Holders>> {
  const changes = new Map<HolderRole, { add: PublicKey[]; remove: string[]; threshold?: number }>();
  const of = (role: string, option: string): { add: PublicKey[]; remove: string[]; threshold?: number } => {
    if (role !== 'online' && !isOfflineRole(role))
      throw new UsageError(`--${option} takes ROLE=…, and "${role}" is no such role`);
    const change = changes.get(role) ?? { add: [], remove: [] };
    changes.set(role, change);
    return change;
  };
  for (const [role, key] of pairs(options, 'add')) of(role, 'add').add.push(await publicKeyNamed(key, options));
  for (const [role, keyid] of pairs(options, 'remove')) of(role, 'remove').remove.push(keyid);
  for (const [role, number] of pairs(options, 'threshold')) of(role, 'threshold').threshold = Number(number);
  const holders = new Map<HolderRole, Holders>();
  for (const [role, change] of changes)
    holders.set(role, changedHolders(holdersNow(root, targets, role), { role, ...change }));
  return holders;
}

function pairs(options: Options, name: string): [string, string][] {
  return texts(options, name).map((given) => {
    const at = given.indexOf('=');
    if (at < 1) throw new UsageError(`--${name} takes ROLE=…, not "${given}"`);
    return [given.slice(0, at), given.slice(at + 1)];
  });
}

function termsFrom(options: Options, now: Date): Map<OfflineRole, Term> {
  const days = new Map(pairs(options, 'lifetime'));
  const renew = new Set(texts(options, 'renew'));
  for (const role of [...days.keys(), ...renew])
    if (!isOfflineRole(role)) throw new UsageError(`"${role}" is none of ${OFFLINE_ROLES.join(', ')}`);
  return new Map(
    OFFLINE_ROLES.map((role) => {
      const lifetime = Number(days.get(role) ?? LIFETIME_DAYS[role]);
      if (!Number.isSafeInteger(lifetime) || lifetime < 1 || lifetime > 3_650)
        throw new UsageError(`--lifetime takes ROLE=DAYS from 1 to 3650, not "${role}=${days.get(role)}"`);
      const expires = new Date(Math.floor((now.getTime() + lifetime * DAY_MS) / 1000) * 1000);
      // What has less than a third of its life left is signed with the rest: so a ceremony may be missed.
      const renewBefore = renew.has(role) ? ALWAYS : new Date(now.getTime() + (lifetime * DAY_MS) / 3);
      return [role, { expires, renewBefore }] as const;
    }),
  );
}

async function bulletinFrom(options: Options, now: Date): Promise<SigningOrder['bulletin']> {
  if (options.get('no-bulletin') === true) return null;
  const file = text(options, 'bulletin');
  return file === undefined ? undefined : bulletinOf(await readFile(file, 'utf8'), now, file);
}

/** A bulletin of its own for each text and day. @throws UsageError when no reader would show it */
export function bulletinOf(given: string, now: Date, where: string): Bulletin {
  const trimmed = given.trim();
  const digest = createHash('sha256').update(trimmed).digest('hex').slice(0, 8);
  const bulletin = { text: trimmed, id: `${now.toISOString().slice(0, 10)}-${digest}` };
  try {
    bulletinMember(bulletin);
  } catch (cause) {
    throw new UsageError(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return bulletin;
}
