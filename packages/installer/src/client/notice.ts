import type { MirrorProblem } from '../errors.ts';

/** What the person at the terminal should know although nothing was refused. */
export type Notice =
  | { readonly kind: 'offline'; readonly index: string; readonly timestampExpires: Date }
  | { readonly kind: 'mirror-problem'; readonly index: string; readonly problem: MirrorProblem }
  | { readonly kind: 'damage'; readonly path: string }
  | { readonly kind: 'odd-entry'; readonly index: string; readonly error: unknown };
