import { encodeJson, type JsonObject, type JsonValue, type PublicKey, readPublicKey, toJson } from '@holdfast/tuf';
import { asArray, asObject, asText, asTime, FieldError } from '../json-fields.ts';

/** Where the private part of a key is. Never the private part itself, nor what opens it. */
export type KeySource =
  | { readonly kind: 'phrase' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'ssh'; readonly fingerprint: string }
  | { readonly kind: 'pkcs11'; readonly uri: string };

/** A key that an account of an index signs with. */
export interface KeyRecord {
  /** The index: SHA-256 of the first version of its root metadata, 64 lower-case hex digits. */
  readonly index: string;
  readonly account: string;
  readonly key: PublicKey;
  readonly source: KeySource;
  readonly addedAt: Date;
}

/** What keys.json holds. */
export interface KeyRing {
  /** The key in use stands before the others of its account. */
  readonly keys: readonly KeyRecord[];
  /** The first root's fingerprint by the fingerprint of the root that trust began with, where the two differ. */
  readonly firstRoots: ReadonlyMap<string, string>;
}

const FORMAT = 1;

export function keyRingJson({ keys, firstRoots }: KeyRing): JsonValue {
  return toJson({
    format: FORMAT,
    keys: keys.map(({ index, account, key, source, addedAt }) => ({
      index,
      account,
      key: key.json,
      source,
      added: addedAt.toISOString(),
    })),
    first_roots: firstRoots,
  });
}

/** @throws FieldError, FormatError, KeyError */
export async function readKeyRing(json: JsonValue): Promise<KeyRing> {
  const file = asObject(json, 'the file');
  if (file.get('format') !== FORMAT) throw new FieldError('its format', `is not ${FORMAT}`);
  const keys = asArray(file.get('keys'), 'keys').map((entry) => readRecord(asObject(entry, 'a key')));
  const roots = asObject(file.get('first_roots'), 'first_roots');
  const firstRoots = new Map([...roots].map(([trusted, first]) => [trusted, fingerprint(first, 'first_roots')]));
  return { keys: await Promise.all(keys), firstRoots };
}

async function readRecord(entry: JsonObject): Promise<KeyRecord> {
  return {
    index: fingerprint(entry.get('index'), 'index'),
    account: asText(entry.get('account'), 'account'),
    key: await readPublicKey(encodeJson(asObject(entry.get('key'), 'key'))),
    source: readSource(asObject(entry.get('source'), 'source')),
    addedAt: asTime(entry.get('added'), 'added'),
  };
}

function readSource(source: JsonObject): KeySource {
  const kind = source.get('kind');
  if (kind === 'phrase') return { kind };
  if (kind === 'file') return { kind, path: asText(source.get('path'), 'path') };
  if (kind === 'ssh') return { kind, fingerprint: asText(source.get('fingerprint'), 'fingerprint') };
  if (kind === 'pkcs11') return { kind, uri: asText(source.get('uri'), 'uri') };
  throw new FieldError('source', 'is of a kind that is not known');
}

function fingerprint(value: JsonValue | undefined, where: string): string {
  const text = asText(value, where);
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new FieldError(where, 'should be 64 lower-case hex digits');
}
