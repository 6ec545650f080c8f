import fc from 'fast-check';
import type { FileKind, TopLevel } from './draft.ts';
import { GENERAL_ODDITIES } from './oddities.ts';
import type { Layout } from './raw-json.ts';

/** What a generated repository is made from; small enough to read when a test fails. */
export interface Plan {
  readonly consistentSnapshot: boolean | undefined;
  readonly metaHashes: boolean;
  readonly layout: Layout;
  readonly top: Readonly<Record<TopLevel, Holders>>;
  /** The first is `targets`. */
  readonly roles: readonly RolePlan[];
  /** What happens before each further step. */
  readonly moves: readonly Move[];
  readonly lookups: readonly string[];
  /** In every file of that kind, but the trusted root: one of ODDITIES that fit any such file. */
  readonly odd: { readonly oddity: number; readonly kind: FileKind } | undefined;
}

/** Numbers of keys; `absent` of them, from the front, do not sign. */
export interface Holders {
  readonly keys: readonly number[];
  readonly threshold: number;
  readonly absent: number;
}

export interface RolePlan {
  readonly name: string;
  readonly targets: readonly string[];
  readonly edges: readonly EdgePlan[];
  /** Instead of edges: 2^bits bins, which list the paths that belong to them. */
  readonly bins?: { readonly bits: number; readonly prefix: string } | undefined;
}

export interface EdgePlan {
  /** Which of the roles; the same role may be reached in several ways, also from below itself. */
  readonly child: number;
  readonly patterns: readonly string[] | undefined;
  /** With no patterns: that many hex digits of the hashes of these paths. */
  readonly hashed: readonly string[];
  readonly digits: number;
  readonly terminating: boolean;
  readonly holders: Holders;
  /** The first key is listed a second time, under another keyid. */
  readonly alias: boolean;
}

export const MOVES = [
  'nothing',
  'republish',
  'new targets',
  'rotate root',
  'rotate timestamp',
  'rotate snapshot',
  'rotate targets',
  'rotate timestamp and go back',
  'add a timestamp key and go back',
  'expire root',
  'expire timestamp',
  'expire snapshot',
  'expire targets',
  'expire a delegated role',
  'timestamp goes back',
  'snapshot goes back',
  'targets go back',
  'a delegated role goes back',
  'same timestamp version, other snapshot',
  'snapshot forgets a role',
  'wrong hash of snapshot',
  'wrong hash of targets',
  'wrong length of targets',
  'wrong version of snapshot',
  'wrong version of targets',
  'unsigned timestamp',
  'unsigned snapshot',
  'unsigned targets',
  'unsigned delegated role',
  'missing timestamp',
  'missing snapshot',
  'missing targets',
  'root skips a version',
  'root says another version',
  'root says the version before',
  'root signed by new keys only',
  'root signed by old keys only',
  'switch consistent snapshot',
] as const;
export type Move = (typeof MOVES)[number];

const ROLE_NAMES: readonly string[] = [
  ...words("a b team 10 9 00 ff 1 a/b ü \u{1f600} constructor __proto__ A %2e x?y#z ..x .hidden e\u0301 a+b it's(1)*!"),
  'with space',
  'a&b=c@d:e$f,g;h',
];
const PATHS: readonly string[] = [
  ...words(
    'a b ab a/b a/c.txt a/b/c.txt .hidden a/.hidden {a,b} !a #a +(a|b) * ? [ ] [a] \u{1f600} a/\u{1f600} ü u\u0308',
  ),
  ...words('constructor toString __proto__ A a?b#c %61 .. a//b a/ /a 10 9 \\a a\\b absent ^ - .'),
  'with space',
  'a\n',
];
/** Few, so that roles compete for them. */
const PATHS_OF_A_PLAN = 10;
const PATTERNS: readonly string[] = [
  ...words('* */* */*/* ** **/* a a/* a/** ? ?? a? *.txt a/*.txt .* */.* ?hidden ?/? u? .. ../* ./a a//b *a a*b'),
  ...words('[ab] [!a] [^a] [a-c] [!a-c]/* []] [ [a [!] [b-a] [\\]] [.]hidden [a-] []a] [\u{1f600}] [[:alpha:]] [a/b]'),
  ...words('{a,b} {a,b}/* !a !* #a #* +(a|b) @(a) !(a) \\a \\* a\\b / /a /* a/ \u{1f600} ü'),
  '',
  '*\n',
];

/** All but those that `build.ts` and `moves.ts` keep for themselves. */
const KEY_NUMBERS = [0, 1, 2, 3, 4, 6, 8, 9];
const holders = fc.record({
  keys: fc.uniqueArray(fc.constantFrom(...KEY_NUMBERS), { minLength: 1, maxLength: 3 }),
  threshold: fc.integer({ min: 1, max: 3 }),
  absent: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }),
});
/** A threshold that the keys can reach, but for one time in ten or so. */
const reachable = fc.tuple(holders, fc.nat(15)).map(([found, luck]): Holders => {
  return luck === 0 ? found : { ...found, threshold: Math.min(found.threshold, found.keys.length) };
});

/** Positions in the plan's own paths. */
const some = (maxLength: number): fc.Arbitrary<number[]> => fc.uniqueArray(fc.nat(PATHS_OF_A_PLAN - 1), { maxLength });
const edge = fc.record({
  child: fc.nat(5),
  patterns: fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constantFrom(['*'], ['*', '*/*'], ['*', '*/*', '*/*/*']) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  hashed: some(4),
  digits: fc.nat(6),
  terminating: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  holders: reachable,
  alias: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const bins = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({ bits: fc.integer({ min: 1, max: 5 }), prefix: fc.constantFrom('bin', 'a-b', '0', '') }),
  },
);

const shapes = fc.array(fc.record({ targets: some(4), edges: fc.array(edge, { maxLength: 4 }), bins }), {
  minLength: 1,
  maxLength: 6,
});
/** Some plans have names that trip clients up; most do not, so that the others are compared in full. */
const roleNames = fc.oneof(
  { weight: 2, arbitrary: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 5 }) },
  { weight: 1, arbitrary: fc.shuffledSubarray([...ROLE_NAMES], { minLength: 5, maxLength: 5 }) },
);

interface Shape extends Omit<RolePlan, 'name' | 'targets' | 'edges'> {
  readonly targets: readonly number[];
  readonly edges: readonly (Omit<EdgePlan, 'hashed'> & { readonly hashed: readonly number[] })[];
}

/** The shapes with names in place of numbers. Nobody delegates to `targets`, or to a role twice. */
function named(found: readonly Shape[], names: readonly string[], paths: readonly string[]): RolePlan[] {
  const path = (index: number): string => paths[index] ?? '';
  return found.map(({ targets, edges, bins }, index) => {
    const children = new Map(edges.map((item) => [item.child % found.length, item]));
    children.delete(0);
    return {
      name: ['targets', ...names][index] ?? '',
      targets: targets.map(path),
      edges: [...children].map(([child, { hashed, ...item }]) => ({ ...item, child, hashed: hashed.map(path) })),
      bins,
    };
  });
}

const sound = reachable.map(
  ({ keys, threshold }): Holders => ({ keys, threshold: Math.min(threshold, keys.length), absent: 0 }),
);

export const plans: fc.Arbitrary<Plan> = fc
  .record({
    consistentSnapshot: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(true, true, false) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
    metaHashes: fc.boolean(),
    layout: fc.constantFrom<Layout>('canonical', 'indented'),
    top: fc.record({ root: sound, timestamp: sound, snapshot: sound, targets: sound }),
    shapes,
    names: roleNames,
    moves: fc.array(fc.constantFrom(...MOVES), { maxLength: 3 }),
    odd: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.record({
          oddity: fc.nat(GENERAL_ODDITIES.length - 1),
          kind: fc.constantFrom<FileKind>('root', 'timestamp', 'snapshot', 'targets', 'delegated'),
        }),
      },
    ),
    lookups: fc.uniqueArray(fc.constantFrom(...PATHS), { minLength: PATHS_OF_A_PLAN, maxLength: PATHS_OF_A_PLAN }),
  })
  .map(({ shapes, names, ...plan }) => ({ ...plan, roles: named(shapes, names, plan.lookups) }));

function words(text: string): readonly string[] {
  return text.split(' ');
}
