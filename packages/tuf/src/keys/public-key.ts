import { crypto } from '#crypto';
import { canonicalize } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { toJson } from '../json/to-json.ts';
import type { PublicKey } from '../model.ts';
import { parseKey } from '../parse/key.ts';
import { asObject, asString } from '../parse/fields.ts';

/** A key with the keyid that securesystemslib would give it: SHA-256 of the canonical form of its JSON. */
export async function makePublicKey(keytype: string, scheme: string, publicPart: string): Promise<PublicKey> {
  const json = toJson({ keytype, keyval: { public: publicPart }, scheme });
  return parseKey(await crypto.digest('sha256', canonicalize(json)), json, 'key');
}

/** Reads a public key from the JSON of a key (`{keytype, scheme, keyval}`), giving it its default keyid. @throws FormatError */
export async function readPublicKey(bytes: Uint8Array): Promise<PublicKey> {
  const json = asObject(parseJson(bytes), 'key');
  const keyval = asObject(json.get('keyval'), 'key.keyval');
  return makePublicKey(
    asString(json.get('keytype'), 'key.keytype'),
    asString(json.get('scheme'), 'key.scheme'),
    asString(keyval.get('public'), 'key.keyval.public'),
  );
}
