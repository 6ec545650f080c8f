import type { Distortion, FileKind } from './draft.ts';
import { UNCOMMON_KEYS } from './keys.ts';
import { Literal, type Raw, raw, type RawObject, Twice } from './raw-json.ts';

/** Something that a repository may get wrong, or write in a way of its own, in one of its files. */
export interface Oddity {
  readonly name: string;
  readonly kinds: readonly FileKind[];
  readonly by: Distortion;
}

const ALL: readonly FileKind[] = ['root', 'timestamp', 'snapshot', 'targets', 'delegated'];

/** `set('a', 0, 'b')` replaces one member, somewhere inside; `undefined` takes it away. */
function set(
  kinds: readonly FileKind[],
  path: readonly (string | number)[],
  values: Readonly<Record<string, unknown>>,
) {
  return Object.entries(values).map(([name, value]): Oddity => {
    const by: Distortion = { signed: (signed) => replace(signed, path, value === undefined ? undefined : raw(value)) };
    return { name: `${path.join('.')} ${name}`, kinds, by };
  });
}

function replace(target: Raw, [step, ...rest]: readonly (string | number)[], value: Raw | undefined): void {
  if (step === undefined) throw new RangeError('no path');
  if (rest.length > 0) {
    const inner: Raw | undefined =
      target instanceof Map ? target.get(String(step)) : (target as readonly Raw[])[Number(step)];
    if (inner === undefined) throw new RangeError(`nothing at ${step}`);
    replace(inner, rest, value);
  } else if (target instanceof Map) {
    if (value === undefined) target.delete(String(step));
    else target.set(String(step), value);
  } else {
    (target as Raw[])[Number(step)] = value ?? null;
  }
}

const envelope = (name: string, change: (envelope: RawObject) => void): Oddity => ({
  name,
  kinds: ALL,
  by: { envelope: change },
});
const bytes = (name: string, change: (bytes: Buffer) => Buffer): Oddity => ({
  name,
  kinds: ALL,
  by: { bytes: change },
});
const signatures = (found: RawObject): Raw[] => found.get('signatures') as Raw[];
/** Nobody may have signed. */
const first = (found: RawObject): RawObject =>
  (signatures(found)[0] as RawObject | undefined) ?? new Map<string, Raw>();

const float = new Literal('1.5');
const INTEGERS = { zero: 0, negative: -1, float, text: '1', null: null, absent: undefined };
const HASH = '0'.repeat(64);
const ROLE = ['delegations', 'roles', 0] as const;
const SECOND_ROLE = { name: 'other', keyids: [], threshold: 1, paths: ['z'], terminating: false };

const common: readonly Oddity[] = [
  ...set(ALL, ['version'], { ...INTEGERS, 'with a point': new Literal('1.0'), 'with an exponent': new Literal('1e0') }),
  ...set(ALL, ['version'], { twice: new Twice(9, 1), 'over 2^53': new Literal('9007199254740993') }),
  ...set(ALL, ['spec_version'], {
    '1.0': '1.0',
    '1.0.99': '1.0.99',
    '1.99.0': '1.99.0',
    '2.0.0': '2.0.0',
    '0.9.0': '0.9.0',
    '10.0.0': '10.0.0',
    '1': '1',
    '1.0.0.0': '1.0.0.0',
    '1.0.0-rc1': '1.0.0-rc1',
    '1. .': '1. .',
    'v1.0.0': 'v1.0.0',
    empty: '',
    number: 1,
    absent: undefined,
  }),
  ...set(ALL, ['expires'], {
    'date only': '2035-01-01',
    'year only': '2035',
    'with an offset': '2035-01-01T00:00:00+00:00',
    'with a fraction': '2035-01-01T00:00:00.5Z',
    'in words': 'Jan 1 2035',
    'with a space': '2035-01-01 00:00:00Z',
    'in lower case': '2035-01-01t00:00:00z',
    'without a zone': '2035-01-01T00:00:00',
    'on February 30': '2035-02-30T00:00:00Z',
    'at hour 24': '2035-01-01T24:00:00Z',
    'at second 60': '2034-12-31T23:59:60Z',
    'in year 10000': '10000-01-01T00:00:00Z',
    number: 2051222400,
    absent: undefined,
  }),
  ...set(ALL, ['_type'], { 'of another role': 'mirrors', absent: undefined }),
  ...set(ALL, ['x'], {
    'unknown member': { a: [true, null, 'é'] },
    'unknown member with a float': { a: float },
    'unknown member over 2^53': new Literal('9007199254740993'),
    'unknown member with minus zero': new Literal('-0'),
    'unknown member with 1e21': new Literal('1000000000000000000000'),
    'unknown member twice': new Twice(1, 2),
    'unknown members above U+FFFF': { '\u{1f600}': 1, '\uffee': 2, a: 3 },
    'unknown member with a control character': 'a\u0001\tb',
    'unknown member with a quote and a backslash': 'a"b\\c/d',
    'unknown member with U+2028 and <': '\u2028<&>',
    'unknown members like prototypes': new Map<string, unknown>([
      ['__proto__', { a: 1 }],
      ['constructor', 2],
    ]),
    'unknown members like integers': { b: 1, '10': 2, '9': 3 },
  }),
  ...set(ALL, ['__proto__'], { 'unknown member': 1 }),
];

const envelopes: readonly Oddity[] = [
  envelope('signature twice', (found) => found.set('signatures', [...signatures(found), first(found)])),
  envelope('signature by an unknown key', (found) => signatures(found).push(raw({ keyid: 'nobody', sig: '00' }))),
  envelope('signature of an unknown key is empty', (found) =>
    signatures(found).push(raw({ keyid: 'nobody', sig: '' })),
  ),
  envelope('signature in upper case', (found) =>
    first(found).set(
      'sig',
      JSON.stringify(first(found).get('sig') ?? '')
        .slice(1, -1)
        .toUpperCase(),
    ),
  ),
  envelope('signature with a further member', (found) => first(found).set('x', raw({ a: 1 }))),
  envelope('signature of an unknown key is no hex', (found) => signatures(found).push(raw({ keyid: 'n', sig: 'xyz' }))),
  envelope('signature without keyid', (found) => signatures(found).push(raw({ sig: '00' }))),
  envelope('no signatures member', (found) => found.delete('signatures')),
  envelope('empty signatures', (found) => found.set('signatures', [])),
  envelope('unknown member beside signed', (found) => found.set('x', raw({ a: 1 }))),
  envelope('signed twice', (found) => found.set('signed', new Twice(raw({ _type: 'x' }), found.get('signed') ?? null))),
  bytes('garbage after the end', (file) => Buffer.concat([file, Buffer.from('x')])),
  bytes('a second document after the end', (file) => Buffer.concat([file, Buffer.from('{}')])),
  bytes('a newline after the end', (file) => Buffer.concat([file, Buffer.from('\n')])),
  bytes('a byte order mark', (file) => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), file])),
  bytes('UTF-16', (file) => Buffer.from(`\ufeff${file.toString()}`, 'utf16le')),
  bytes('wrapped in a list', (file) => Buffer.from(`[${file.toString()}]`)),
  bytes('empty file', () => Buffer.alloc(0)),
  bytes('escaped letters', (file) => Buffer.from(file.toString().replace('"_type"', '"\\u005ftype"'))),
  bytes('a comment', (file) => Buffer.concat([Buffer.from('/**/'), file])),
  bytes('invalid UTF-8 in an unknown member', (file) =>
    Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff), Buffer.from(`",${file.toString().slice(1)}`)]),
  ),
  bytes('deep nesting in an unknown member', (file) =>
    Buffer.from(`{"x":${'['.repeat(2000)}${']'.repeat(2000)},${file.toString().slice(1)}`),
  ),
];

const root: readonly Oddity[] = [
  ...set(['root'], ['consistent_snapshot'], { text: 'true', null: null, number: 1 }),
  ...set(['root'], ['roles', 'timestamp', 'threshold'], { ...INTEGERS, 'more than keys': 2 }),
  ...set(['root'], ['roles', 'mirrors'], { 'further role': { keyids: [], threshold: 1 } }),
  ...set(['root'], ['roles', 'snapshot'], { absent: undefined }),
  ...set(['root'], ['roles', 'timestamp', 'keyids'], {
    'with an unknown one': ['key-0', 'key-2', 'nobody'],
    twice: ['key-2', 'key-2'],
    empty: [],
  }),
  ...set(['root'], ['keys', 'unused'], {
    'of an unknown type': { keytype: 'sphincs', scheme: 'sphincs', keyval: { public: 'aa' } },
    'of an unknown scheme': { keytype: 'ed25519', scheme: 'ed448', keyval: { public: 'aa' } },
    'without public': { keytype: 'sigstore-oidc', scheme: 'Fulcio', keyval: { identity: 'a', issuer: 'b' } },
    'without keyval': { keytype: 'ed25519', scheme: 'ed25519' },
    'without scheme': { keytype: 'ed25519', keyval: { public: 'aa' } },
    'with keyid_hash_algorithms': {
      keytype: 'ed25519',
      scheme: 'ed25519',
      keyid_hash_algorithms: ['sha256', 'sha512'],
      keyval: { public: 'aa' },
    },
  }),
];

const meta: readonly Oddity[] = [
  ...set(['timestamp'], ['meta'], { empty: {}, absent: undefined }),
  ...set(['timestamp'], ['meta', 'root.json'], { 'further entry': { version: 1 } }),
  ...set(['timestamp'], ['meta', 'snapshot.json', 'version'], INTEGERS),
  ...set(['timestamp'], ['meta', 'snapshot.json', 'x'], { 'unknown member': 1 }),
  ...set(['timestamp'], ['meta', 'snapshot.json', 'length'], { zero: 0, negative: -1, float, text: '1', null: null }),
  ...set(['timestamp'], ['meta', 'snapshot.json', 'hashes'], {
    empty: {},
    'md5 only': { md5: '0'.repeat(32) },
    'no object': 'abc',
    null: null,
  }),
  ...set(['snapshot'], ['meta', 'team.json', 'hashes'], { empty: {}, 'unknown only': { md5: '0'.repeat(32) } }),
  ...set(['snapshot'], ['meta', 'team.json', 'length'], { zero: 0, negative: -1 }),
  ...set(['snapshot'], ['meta', 'team.json'], { absent: undefined }),
  ...set(['snapshot'], ['meta', 'targets.json'], { absent: undefined }),
  ...set(['snapshot'], ['meta', 'odd'], { 'entry without .json': { version: 1 } }),
  ...set(['snapshot'], ['meta', 'gone.json'], {
    'entry of no file': { version: 7 },
    'entry of version zero': { version: 0 },
  }),
];

const targets: readonly Oddity[] = [
  ...set(['targets', 'delegated'], ['targets'], { absent: undefined, null: null, list: [] }),
  ...set(['targets'], ['targets', 'a', 'hashes'], {
    empty: {},
    'md5 only': { md5: '0'.repeat(32) },
    'in upper case': { sha256: 'A'.repeat(64) },
    'no hex': { sha256: 'xyz' },
    absent: undefined,
    number: { sha256: 1 },
    'one unknown': { sha256: HASH, 'blake2b-256': HASH },
  }),
  ...set(['targets'], ['targets', 'a', 'length'], { zero: 0, negative: -1, float, text: '1', absent: undefined }),
  ...set(['targets'], ['targets', 'a', 'length'], { 'over 2^53': new Literal('9007199254740993') }),
  ...set(['targets'], ['targets', 'a', 'custom'], { object: { x: 1 }, null: null, text: 'x', list: [1] }),
  ...set(['targets'], ['targets', 'a', 'x'], { 'unknown member': 1 }),
  ...set(['targets'], ['targets', 'a'], {
    twice: new Twice(raw({ length: 9, hashes: { sha256: HASH } }), raw({ length: 1, hashes: { sha256: HASH } })),
  }),
];

const delegations: readonly Oddity[] = [
  ...set(['targets'], ['delegations'], { null: null, 'without roles': { keys: {} }, list: [] }),
  ...set(['delegated'], ['delegations'], { 'without roles and keys': {}, 'with no role': { keys: {}, roles: [] } }),
  ...set(['targets'], ['delegations', 'x'], { 'unknown member': 1 }),
  ...set(['targets'], [...ROLE, 'terminating'], { absent: undefined, null: null, text: 'true', number: 1 }),
  ...set(['targets'], [...ROLE, 'threshold'], { ...INTEGERS, 'more than keys': 2 }),
  ...set(['targets'], [...ROLE, 'keyids'], {
    empty: [],
    twice: ['key-4', 'key-4'],
    'with an unknown one': ['key-4', 'n'],
  }),
  ...set(['targets'], [...ROLE, 'paths'], {
    absent: undefined,
    empty: [],
    null: null,
    text: 'd/*',
    'with a number': ['d/*', 1],
  }),
  ...set(['targets'], [...ROLE, 'path_hash_prefixes'], { 'beside paths': ['0'] }),
  ...set(['targets'], [...ROLE, 'x'], { 'unknown member': { a: 1 } }),
  ...set(['targets'], [...ROLE, 'name'], {
    root: 'root',
    targets: 'targets',
    snapshot: 'snapshot',
    empty: '',
    number: 1,
  }),
  ...set(['targets'], ['delegations', 'roles', 1], {
    'of the same name': { ...SECOND_ROLE, name: 'team', paths: ['d/*'] },
  }),
  ...set(['targets'], ['delegations', 'roles', 1], { 'of a name in other case': { ...SECOND_ROLE, name: 'TEAM' } }),
  ...set(['targets'], ['delegations', 'succinct_roles'], {
    'beside roles': { keyids: ['key-4'], threshold: 1, bit_length: 1, name_prefix: 'bin' },
  }),
];

/** Every file of the role is signed with such a key. */
export const UNCOMMON_KEY_NAMES: readonly string[] = [...UNCOMMON_KEYS.keys()];

/** Those that need nothing particular in the file. */
export const GENERAL_ODDITIES: readonly Oddity[] = [...common, ...envelopes];

export const ODDITIES: readonly Oddity[] = [...GENERAL_ODDITIES, ...root, ...meta, ...targets, ...delegations];
