import { type KeyRole, LIFETIMES, type Publication, type Standing, STANDINGS } from '../../src/index.ts';
import type { Burglary, Outcome } from './burglary.ts';
import type { Form } from './memory-installer.ts';

/** Which role's end ends what a state shows, by project; absent: nothing ends it within two years. */
export type Ends = Readonly<Partial<Record<Standing, KeyRole>>>;

const MOMENT = 0.01;
const ROLES = (Object.keys(LIFETIMES) as KeyRole[]).sort((a, b) => LIFETIMES[a] - LIFETIMES[b]);

/**
 * Looks at a state with the eyes of somebody new whose clock stands shortly before and shortly after the end of one role after the
 * other, for as long as it shows what it shows now.
 * @param lasting what it is about: projects that show something else now are left out
 */
export async function endsOf(
  burglary: Burglary,
  publication: Publication,
  form: Form,
  lasting: readonly Outcome[],
): Promise<Ends> {
  const ends: Partial<Record<Standing, KeyRole>> = {};
  const now = await burglary.see(publication, 'new', form);
  const left = new Set(STANDINGS.filter((standing) => lasting.includes(now[standing])));
  for (const role of ROLES) {
    if (left.size === 0) break;
    const before = await burglary.see(publication, 'new', form, LIFETIMES[role] - MOMENT);
    const after = await burglary.see(publication, 'new', form, LIFETIMES[role] + MOMENT);
    for (const standing of left) {
      if (before[standing] !== now[standing]) throw new Error(`${standing} ended before ${role} did`);
      if (after[standing] === now[standing]) continue;
      ends[standing] = role;
      left.delete(standing);
    }
  }
  return ends;
}

/** The first to end of some roles. */
export function firstToEnd(roles: readonly KeyRole[]): KeyRole | undefined {
  return ROLES.find((role) => roles.includes(role));
}
