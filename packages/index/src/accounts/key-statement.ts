import {
  canonicalize,
  checkSignatures,
  encodeJson,
  type JsonObject,
  makePublicKey,
  type PublicKey,
  type Signature,
} from '@holdfast/tuf';
import * as z from 'zod';

/** What the holder of a key signs to make it one of an account's keys, or to take one away. */
export type KeyStatementType = 'holdfast-account-key' | 'holdfast-account-key-removal';

export interface KeyStatement {
  readonly type: KeyStatementType;
  /** Hex SHA-256 of the first root: a signature for one index is none for another. */
  readonly index: string;
  readonly account: string;
  readonly key: PublicKey;
}

/** The bytes that are signed: canonical JSON. */
export function statementBytes(statement: KeyStatement): Uint8Array {
  return canonicalize(statementJson(statement));
}

function statementJson({ type, index, account, key }: KeyStatement): JsonObject {
  return new Map(Object.entries({ _type: type, account, index, key: key.json }));
}

/** Which of these keys signed the statement, and why each other one that says so did not. */
export async function statementSigners(
  statement: KeyStatement,
  signatures: readonly Signature[],
  keys: ReadonlyMap<string, PublicKey>,
): Promise<{ readonly keyids: readonly string[]; readonly problems: ReadonlyMap<string, string> }> {
  // Escaped, because a PEM has line breaks; the canonical form is made from it and counts as well.
  const signedBytes = encodeJson(statementJson(statement));
  const named = signatures.map(({ keyid }) => keyid).filter((keyid, at, all) => all.indexOf(keyid) === at);
  const metadata = { signed: undefined, signatures, bytes: signedBytes, signedBytes };
  return await checkSignatures(metadata, keys, { keyids: named, threshold: 1 });
}

/** A key as it is sent: nothing but what its keyid is made of. */
export const KeyJson = z.strictObject({
  keytype: z.string().min(1).max(32),
  scheme: z.string().min(1).max(64),
  keyval: z.strictObject({ public: z.string().min(1).max(4096) }),
});

/** The keyid follows from the content: nobody can bring a key under another's keyid. */
export function keyOfJson({ keytype, scheme, keyval }: z.infer<typeof KeyJson>): Promise<PublicKey> {
  return makePublicKey(keytype, scheme, keyval.public);
}

/** As in the `signatures` of metadata. */
export const SignatureJson = z.strictObject({
  keyid: z.string().min(1).max(128),
  sig: z.string().regex(/^[0-9a-f]{2,2048}$/),
});
