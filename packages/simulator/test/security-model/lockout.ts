import type { Loot, Publication } from '../../src/index.ts';
import { type Burglary, type Outcomes, type UserKind, VERSION } from './burglary.ts';
import type { Form } from './memory-installer.ts';

/** What a fast-forward attack does to somebody: what they see while it lasts, of the honest index behind it, and after the recovery. */
export interface Lockout {
  readonly during: Outcomes;
  readonly honest: Outcomes;
  readonly recovered: Outcomes;
}

/** Far beyond what an honest index reaches. */
export const FAR = 1_000_000_000;

/**
 * The thief drives versions up, then goes; the honest index publishes on, and at last the operators replace the online keys.
 * @param attack versions of timestamp and snapshot, or of `claimed` under a timestamp that the honest index soon overtakes
 */
export async function lockOut(
  burglary: Burglary,
  loot: Loot,
  attack: 'tops' | 'claimed' | 'root',
  user: UserKind,
  form: Form,
): Promise<Lockout> {
  const { world } = burglary;
  const memory = burglary.memoryOf(user);
  const look = (publication: Publication): Promise<Outcomes> => burglary.visit(publication, memory, form);
  const during = await look(
    attack === 'tops' ? await burglary.shown(loot, 'current', FAR) : await burglary.forged(loot, attack, 'current'),
  );
  const honest = await look(await world.next(attack === 'tops' ? 3 : VERSION + 1));
  return { during, honest, recovered: await look(await world.recovered()) };
}
