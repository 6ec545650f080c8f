import type { ProjectName } from '@holdfast/python-index';
import {
  BIN_DIGITS,
  binRange,
  type BinRole,
  DIGITS,
  fitsMerged,
  type LeafContent,
  planLeaf,
  type ProjectDelegation,
  projectBin,
  type TargetPath,
} from '@holdfast/trust';
import type { TargetFile } from '@holdfast/tuf';

/** Everything that a tree is to say. */
export type TreeContent =
  | { readonly projects: ReadonlyMap<ProjectName, ProjectDelegation> }
  | { readonly targets: ReadonlyMap<TargetPath, TargetFile> };

/** What becomes of a tree: what is not named stays as it is. */
export interface TreeStep {
  /** Roles that say something else than before, deepest first. */
  readonly changed: readonly BinRole[];
  /** Prefixes of roles that leave the tree. */
  readonly retired: readonly string[];
}

/**
 * The least that has to be signed to make a tree say `content`: a pure function of both. Roles grow past their size, become one again, and
 * go when they hold nothing, as the trees that the index signs do.
 * @param present by prefix, `''` among them; empty for a tree that is to be made
 * @param touched bins, as 6 hex digits, in which something differs
 */
export function nextTree(
  present: ReadonlyMap<string, BinRole>,
  content: TreeContent,
  touched: Iterable<string>,
): TreeStep {
  const bins = [...new Set(touched)].sort();
  if (present.size > 0 && bins.length === 0) return { changed: [], retired: [] };
  const walker = new Walker(present, contentByBin(content), bins);
  walker.walk('');
  const made = new Set(walker.changed.map(({ prefix }) => prefix));
  return { changed: walker.changed, retired: walker.retired.filter((prefix) => !made.has(prefix)) };
}

class Walker {
  changed: BinRole[] = [];
  readonly retired: string[] = [];
  readonly #present: ReadonlyMap<string, BinRole>;
  readonly #content: ContentByBin;
  readonly #touched: readonly string[];

  constructor(present: ReadonlyMap<string, BinRole>, content: ContentByBin, touched: readonly string[]) {
    this.#present = present;
    this.#content = content;
    this.#touched = touched;
  }

  /** @returns what stands at the prefix afterwards */
  walk(prefix: string): 'leaf' | 'branch' {
    const role = this.#present.get(prefix);
    if (role && 'digits' in role) return this.#walkBranch(prefix, role.digits);
    const planned = planLeaf(prefix, this.#content.below(prefix));
    this.changed.push(...planned);
    return planned.length === 1 ? 'leaf' : 'branch';
  }

  #walkBranch(prefix: string, before: string): 'leaf' | 'branch' {
    let digits = '';
    let leaves = true;
    for (const digit of DIGITS) {
      const child = prefix + digit;
      const isTouched = firstIn(this.#touched, child) !== undefined;
      if (!isTouched && !before.includes(digit)) continue;
      if (isTouched && this.#content.isEmpty(child)) {
        this.#retire(child);
        continue;
      }
      digits += digit;
      const kind = isTouched ? this.walk(child) : kindOf(this.#present.get(child));
      if (kind === 'branch') leaves = false;
    }
    const content = leaves ? this.#content.below(prefix) : undefined;
    if (content && fitsMerged(content)) {
      for (const digit of DIGITS) this.#retire(prefix + digit);
      this.changed = this.changed.filter((role) => !isBelow(role.prefix, prefix));
      this.changed.push({ prefix, ...content });
      return 'leaf';
    }
    if (digits !== before) this.changed.push({ prefix, digits });
    return 'branch';
  }

  #retire(prefix: string): void {
    const role = this.#present.get(prefix);
    if (!role) return;
    this.retired.push(prefix);
    if ('digits' in role) for (const digit of role.digits) this.#retire(prefix + digit);
  }
}

const isBelow = (prefix: string, above: string): boolean => prefix.length > above.length && prefix.startsWith(above);
const kindOf = (role: BinRole | undefined): 'leaf' | 'branch' => (role && 'digits' in role ? 'branch' : 'leaf');

/** The first of sorted bins that begins with the prefix. */
function firstIn(sorted: readonly string[], prefix: string): number | undefined {
  const at = lowerBound(sorted, binRange(prefix).first);
  return sorted[at]?.startsWith(prefix) === true ? at : undefined;
}

function lowerBound(sorted: readonly string[], bin: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < bin) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds what stands in a range of bins without looking at the rest. */
interface ContentByBin {
  isEmpty(prefix: string): boolean;
  below(prefix: string): LeafContent;
}

function contentByBin(content: TreeContent): ContentByBin {
  return 'projects' in content
    ? byBin(content.projects, projectBin, (projects) => ({ projects }))
    : byBin(
        content.targets,
        (path) => path.slice(0, BIN_DIGITS),
        (targets) => ({ targets }),
      );
}

function byBin<K, V>(
  content: ReadonlyMap<K, V>,
  binOf: (key: K) => string,
  leafOf: (entries: ReadonlyMap<K, V>) => LeafContent,
): ContentByBin {
  const entries = new Map<string, [K, V][]>();
  for (const [key, value] of content) {
    const bin = binOf(key);
    const others = entries.get(bin);
    if (others) others.push([key, value]);
    else entries.set(bin, [[key, value]]);
  }
  const bins = [...entries.keys()].sort();
  return {
    isEmpty: (prefix) => firstIn(bins, prefix) === undefined,
    below(prefix) {
      const found: [K, V][] = [];
      for (let at = firstIn(bins, prefix) ?? bins.length; bins[at]?.startsWith(prefix) === true; at++)
        found.push(...(entries.get(bins[at] ?? '') ?? []));
      return leafOf(new Map(found));
    },
  };
}
