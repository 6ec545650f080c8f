import { InvalidVersionError } from '../errors.ts';

/** Longest version, in characters, before and after normalization. */
export const MAX_VERSION_LENGTH = 128;

/** A natural number of any size. Canonical: the same value always has the same type, so `===` and `<` hold. */
type Natural = number | bigint;

/** A version taken apart as PEP 440 says. */
export interface Version {
  /** The normal form: two versions are the same when PEP 440 orders them equal, which is wider than equal texts (1.0, 1). */
  readonly normalized: string;
  readonly epoch: Natural;
  readonly release: readonly Natural[];
  readonly pre?: readonly ['a' | 'b' | 'rc', Natural];
  readonly post?: Natural;
  readonly dev?: Natural;
  readonly local?: readonly (string | Natural)[];
}

// PEP 440, Appendix B, in lower case. Every part is bounded by the length check before it.
const PATTERN = new RegExp(
  '^v?(?:(\\d+)!)?(\\d+(?:\\.\\d+)*)' +
    '(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\\d*))?' +
    '(?:-(\\d+)|([-_.]?(?:post|rev|r))[-_.]?(\\d*))?' +
    '([-_.]?dev[-_.]?(\\d*))?' +
    '(?:\\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$',
);

const PRE_LETTER = new Map<string, 'a' | 'b' | 'rc'>([
  ['alpha', 'a'],
  ['a', 'a'],
  ['beta', 'b'],
  ['b', 'b'],
  ['c', 'rc'],
  ['pre', 'rc'],
  ['preview', 'rc'],
  ['rc', 'rc'],
]);

/**
 * Parses a version, accepting every spelling that PEP 440 allows (`v1.0-ALPHA.1`, surrounding white space).
 * @throws InvalidVersionError
 */
export function parseVersion(text: string): Version {
  if (text.length > MAX_VERSION_LENGTH) throw new InvalidVersionError(text);
  const match = PATTERN.exec(text.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, '').toLowerCase());
  // toLowerCase may turn a character outside ASCII (the Kelvin sign) into an ASCII letter.
  if (!match || !/^[\0-\x7f]*$/.test(text)) throw new InvalidVersionError(text);
  const [, epoch, release = '', letter, preNumber, implicitPost, postWord, postNumber, devWord, devNumber, local] =
    match;
  const pre = letter === undefined ? undefined : PRE_LETTER.get(letter);
  const version = {
    epoch: natural(epoch),
    release: release.split('.').map(natural),
    ...(pre && { pre: [pre, natural(preNumber)] as const }),
    ...((implicitPost ?? postWord) !== undefined && { post: natural(implicitPost ?? postNumber) }),
    ...(devWord !== undefined && { dev: natural(devNumber) }),
    ...(local !== undefined && {
      local: local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? natural(part) : part)),
    }),
  };
  return { ...version, normalized: format(version) };
}

/**
 * The normal form of a version (PEP 440, "Normalization"). Trailing zeros of the release are kept.
 * @throws InvalidVersionError
 */
export function normalizeVersion(text: string): string {
  return parseVersion(text).normalized;
}

/** Negative when `a` comes before `b`, 0 when PEP 440 orders them equal (`1.0` and `1`), else positive. */
export function compareVersions(a: string | Version, b: string | Version): number {
  const left = typeof a === 'string' ? parseVersion(a) : a;
  const right = typeof b === 'string' ? parseVersion(b) : b;
  return (
    compare(left.epoch, right.epoch) ||
    compareReleases(left.release, right.release) ||
    comparePre(left, right) ||
    compare(left.post ?? -1, right.post ?? -1) ||
    // A development release comes before the release itself.
    compare(left.dev ?? Number.POSITIVE_INFINITY, right.dev ?? Number.POSITIVE_INFINITY) ||
    compareLocal(left.local, right.local)
  );
}

function natural(digits: string | undefined): Natural {
  if (digits === undefined || digits === '') return 0;
  const significant = digits.replace(/^0+(?=\d)/, '');
  return significant.length <= 15 ? Number(significant) : BigInt(significant);
}

function format(version: Omit<Version, 'normalized'>): string {
  const { epoch, release, pre, post, dev, local } = version;
  return [
    epoch === 0 ? '' : `${epoch}!`,
    release.join('.'),
    pre ? pre.join('') : '',
    post === undefined ? '' : `.post${post}`,
    dev === undefined ? '' : `.dev${dev}`,
    local ? `+${local.join('.')}` : '',
  ].join('');
}

const compare = (a: Natural, b: Natural): number => (a < b ? -1 : a > b ? 1 : 0);

function compareReleases(a: readonly Natural[], b: readonly Natural[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = compare(a[i] ?? 0, b[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Development release of a final release < pre-releases < the rest. */
function comparePre(a: Version, b: Version): number {
  const rank = (v: Version): number => {
    if (v.pre) return { a: 0, b: 1, rc: 2 }[v.pre[0]];
    return v.post === undefined && v.dev !== undefined ? -1 : 3;
  };
  return rank(a) - rank(b) || compare(a.pre?.[1] ?? 0, b.pre?.[1] ?? 0);
}

/** No local version < text segments < numbers; a longer local version comes after its own beginning. */
function compareLocal(a: Version['local'], b: Version['local']): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    const order = compareSegments(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

function compareSegments(a: string | Natural, b: string | Natural): number {
  if (typeof a === 'string') return typeof b === 'string' ? (a < b ? -1 : a > b ? 1 : 0) : -1;
  return typeof b === 'string' ? 1 : compare(a, b);
}
