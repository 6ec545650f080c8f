import type { KeyRole, Lever, Loot, Standing } from '../../src/index.ts';
import type { Form } from './memory-installer.ts';

/** How much somebody knows of an index before the thief comes: nothing, or each project as it is now. */
export type Acquaintance = 'new' | 'knows';

/**
 * Which keys suffice for what, as the design has it: written down without any of the code that is tested, so that the attacks
 * which are run can be compared with it.
 */
const holds = (loot: Loot, role: KeyRole): boolean => loot[role] === 'enough';

/** Whose word a user takes for a file of a project, in the order of priority: each of these roles by itself can bring in another file. */
const BELIEVED: Readonly<Record<Standing, readonly KeyRole[]>> = {
  claimed: ['claimed', 'developer'],
  delegated: ['claimed', 'developer', 'delegate'],
  'claimed-lately': ['claimed', 'developer'],
  'rarely-updated': ['claimed', 'rarely-updated'],
  'rarely-updated-lately': ['claimed', 'rarely-updated'],
  'recently-claimed': ['claimed', 'rarely-updated', 'recently-claimed', 'developer'],
  unclaimed: ['claimed', 'rarely-updated', 'recently-claimed', 'unclaimed'],
  new: ['claimed', 'rarely-updated', 'recently-claimed', 'unclaimed'],
};

/** What was `unclaimed` when the oldest offline metadata was signed that has not expired: to who knows nothing newer it still is. */
const LATELY: readonly Standing[] = ['claimed-lately', 'rarely-updated-lately', 'recently-claimed'];

/** Whether the thief can say what the newest state is. The timestamp names the snapshot tree; the snapshot of files has a key of its own. */
export function controlsState(loot: Loot, form: Form): boolean {
  return holds(loot, 'root') || (holds(loot, 'timestamp') && (form === 'lookups' || holds(loot, 'snapshot')));
}

/** Whether somebody can be made to install the thief's file. */
export function canForge(loot: Loot, standing: Standing, who: Acquaintance, form: Form): boolean {
  if (holds(loot, 'root')) return true;
  const before = who === 'new' && LATELY.includes(standing) ? BELIEVED.unclaimed : [];
  const believed: readonly KeyRole[] = ['targets', ...BELIEVED[standing], ...before];
  return controlsState(loot, form) && believed.some((role) => holds(loot, role));
}

/**
 * Roles that have to be valid for an honest state to be shown, and that the thief cannot renew: the first to expire ends a freeze. A
 * search passes by everybody whose word would be taken, and by those above them.
 */
export function mustBeValid(loot: Loot, standing: Standing, form: Form): readonly KeyRole[] {
  const tops: readonly KeyRole[] = form === 'files' ? ['timestamp', 'snapshot'] : ['timestamp'];
  return ['root', 'targets', ...BELIEVED[standing], ...tops.filter((role) => !holds(loot, role))];
}

/** Roles that have to be valid for a lie to be believed, when the thief can sign as `lever`: what comes before it in a search. */
export function boundsOf(lever: Lever, standing: Standing): readonly KeyRole[] {
  if (lever === 'root') return [];
  if (lever === 'targets') return ['root'];
  const before = BELIEVED[standing].slice(0, BELIEVED[standing].indexOf(lever));
  return ['root', 'targets', ...before];
}
