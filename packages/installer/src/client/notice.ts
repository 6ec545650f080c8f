import type { Bulletin } from '@holdfast/trust';
import type { MirrorProblem } from '../errors.ts';

/** What the person at the terminal should know although nothing was refused. */
export type Notice =
  | { readonly kind: 'offline'; readonly index: string; readonly timestampExpires: Date }
  | { readonly kind: 'mirror-problem'; readonly index: string; readonly problem: MirrorProblem }
  | { readonly kind: 'damage'; readonly path: string }
  /** What the operators of the index tell everyone; each one once. */
  | { readonly kind: 'bulletin'; readonly index: string; readonly bulletin: Bulletin }
  | { readonly kind: 'odd-entry'; readonly index: string; readonly error: unknown };
