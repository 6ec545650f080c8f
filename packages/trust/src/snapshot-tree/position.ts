import { asProjectName } from '@holdfast/python-index';
import { parseRotationRole } from '../project-role.ts';
import { CLOSED, TOPS } from '../roles.ts';
import { BIN_DIGITS, projectBin } from '../target-path.ts';

/** Where a role stands in the snapshot tree: the first `depth` bits of a bin. `bits` has 24 bits, zero behind them. */
export interface Position {
  readonly bits: number;
  readonly depth: number;
}

/** Bits of a bin, and so the greatest depth. */
export const TREE_DEPTH = BIN_DIGITS * 4;

const TOP: Position = { bits: 0, depth: 0 };
const BIN_TREES: ReadonlySet<string> = new Set(TOPS);
const TOP_ROLES: ReadonlySet<string> = new Set(['targets', CLOSED, ...TOPS]);

/**
 * The place of a role: bins by their prefix, a project's roles and their rotate files by the bin of the project, all others at the
 * top. So the path to one bin meets every role that a lookup of a project in it can touch. `undefined` for a name that is no role's.
 */
export function rolePosition(role: string): Position | undefined {
  if (TOP_ROLES.has(role)) return TOP;
  const rotated = parseRotationRole(role)?.role;
  const [kind = '', name = ''] = (rotated ?? role).split('.', 2);
  if (kind === 'project') {
    const project = asProjectName(name);
    return project === undefined ? undefined : binPosition(projectBin(project));
  }
  if (rotated !== undefined) return undefined;
  const bin = BIN_TREES.has(kind) ? role.slice(kind.length + 1) : '';
  return /^[0-9a-f]{1,6}$/.test(bin) ? binPosition(bin) : undefined;
}

/** The position of a bin, or of a prefix of it: up to 6 hex digits. */
export function binPosition(prefix: string): Position {
  return { bits: Number.parseInt(prefix.padEnd(BIN_DIGITS, '0'), 16), depth: prefix.length * 4 };
}

/** The first `depth` bits. */
export function cut(bits: number, depth: number): number {
  return depth === 0 ? 0 : (bits >>> (TREE_DEPTH - depth)) << (TREE_DEPTH - depth);
}

/** The bit at a depth, counted from the top. */
export function bitAt(bits: number, depth: number): 0 | 1 {
  return ((bits >>> (TREE_DEPTH - 1 - depth)) & 1) === 1 ? 1 : 0;
}

/** How many bits two bins have in common at their beginning. */
export function commonBits(a: number, b: number): number {
  return Math.clz32(a ^ b) - (32 - TREE_DEPTH);
}
