import { FormatError } from '../errors.ts';
import { parseDocument } from '../json/parse.ts';
import type { EntrySink } from '../json/reader.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import type { Metadata, Signature } from '../model.ts';
import { asArray, asObject, asString } from './fields.ts';

/**
 * §4.2: `{"signatures": […], "signed": {…}}`. The received bytes stay with the model: they are what gets verified and
 * stored. @param entries takes the members of one large object in `signed`, which then is empty there
 */
export function parseEnvelope<T>(
  bytes: Uint8Array,
  parseSigned: (signed: JsonObject) => T,
  entries?: EntrySink,
): Metadata<T> {
  const document = parseDocument(bytes, entries);
  const envelope = asObject(document.value, 'document');
  const signed = parseSigned(asObject(envelope.get('signed'), 'signed'));
  const signatures = parseSignatures(envelope.get('signatures'));
  const signedBytes = document.slice('signed');
  if (signedBytes === undefined) throw new FormatError('signed', 'is missing');
  return { signed, signatures, bytes, signedBytes };
}

/** A keyid that signs twice is refused outright: repeated signatures have fooled thresholds in several clients. */
function parseSignatures(value: JsonValue | undefined): readonly Signature[] {
  const seen = new Set<string>();
  return asArray(value, 'signatures').map((item) => {
    const signature = asObject(item, 'signatures[]');
    const keyid = asString(signature.get('keyid'), 'signatures[].keyid');
    if (seen.has(keyid)) throw new FormatError('signatures', `lists keyid ${keyid} twice`);
    seen.add(keyid);
    return { keyid, sig: asString(signature.get('sig'), 'signatures[].sig') };
  });
}
