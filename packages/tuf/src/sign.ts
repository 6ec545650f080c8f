import { concatBytes, equalBytes, toHex } from './bytes.ts';
import { FormatError } from './errors.ts';
import { canonicalize, encodeJson } from './json/canonical.ts';
import { parseJson } from './json/parse.ts';
import { toJson } from './json/to-json.ts';
import type { JsonObject } from './json/value.ts';
import type { Metadata, PublicKey, Signature } from './model.ts';
import { parseEnvelope } from './parse/envelope.ts';

/** Whoever holds a private key: a file, an agent, a token, a service. */
export interface Signer {
  /** The public part, with the keyid that signatures are listed under. */
  readonly key: PublicKey;
  /** The signature over `data` in the encoding of the key's scheme: raw for ed25519, DER for ecdsa, raw for rsa. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * A whole metadata file, in canonical bytes: what a client verifies as received, without any re-encoding.
 * @param signed made by `rootJson` and its siblings
 * @throws FormatError when two signers have the same keyid, and what a signer throws
 */
export async function signMetadata(signed: JsonObject, signers: readonly Signer[]): Promise<Uint8Array> {
  const payload = canonicalize(signed);
  const signatures: Signature[] = [];
  for (const signer of signers) {
    const { keyid } = signer.key;
    if (signatures.some((made) => made.keyid === keyid))
      throw new FormatError('signatures', `would list keyid ${keyid} twice`);
    signatures.push({ keyid, sig: toHex(await signer.sign(payload)) });
  }
  // Without control characters the canonical form is JSON as it stands, and need not be made twice.
  return envelopeBytes(hasControlCharacter(payload) ? encodeJson(signed) : payload, signatures);
}

/**
 * Adds one holder's signature, or replaces the one it made before; the others and the signed part stay as they are.
 * So holders who never meet can sign one after the other.
 */
export async function addSignature(envelope: Uint8Array, signer: Signer): Promise<Uint8Array> {
  return addSignatures(
    parseEnvelope(envelope, (signed) => signed),
    [signer],
  );
}

/** As {@link addSignature}, for several holders at once. */
export async function addSignatures(
  { signatures, signedBytes }: Pick<Metadata<unknown>, 'signatures' | 'signedBytes'>,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  // The canonical form is what other clients verify, whatever the file looks like.
  const canonical = canonicalize(parseJson(signedBytes));
  const payload = equalBytes(canonical, signedBytes) ? signedBytes : canonical;
  const made = new Map(signatures.map((signature) => [signature.keyid, signature]));
  for (const signer of signers) {
    const { keyid } = signer.key;
    made.delete(keyid);
    made.set(keyid, { keyid, sig: toHex(await signer.sign(payload)) });
  }
  return envelopeBytes(signedBytes, [...made.values()]);
}

function hasControlCharacter(text: Uint8Array): boolean {
  for (const byte of text) if (byte < 0x20) return true;
  return false;
}

/** A metadata file around the bytes of its signed part. */
export function envelopeBytes(signed: Uint8Array, signatures: readonly Signature[]): Uint8Array {
  const encoder = new TextEncoder();
  const list = encodeJson(toJson(signatures.map(({ keyid, sig }) => ({ keyid, sig }))));
  return concatBytes(encoder.encode('{"signatures":'), list, encoder.encode(',"signed":'), signed, encoder.encode('}'));
}
