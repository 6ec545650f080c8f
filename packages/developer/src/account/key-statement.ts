import {
  canonicalize,
  checkSignatures,
  encodeJson,
  type JsonObject,
  type PublicKey,
  type Signature,
  type Signer,
  toJson,
} from '@holdfast/tuf';

/** What the holders of keys sign to make a key one of an account's, or to take it away. */
export interface KeyStatement {
  readonly type: 'holdfast-account-key' | 'holdfast-account-key-removal';
  /** The index: SHA-256 of its first root, in hex. */
  readonly index: string;
  readonly account: string;
  readonly key: PublicKey;
}

/** A signature over the canonical JSON of the statement. */
export async function signStatement(statement: KeyStatement, signer: Signer): Promise<Signature> {
  const signature = await signer.sign(canonicalize(statementJson(statement)));
  return { keyid: signer.key.keyid, sig: Buffer.from(signature).toString('hex') };
}

/** Whether the key signed the statement. */
export async function hasSigned(statement: KeyStatement, signature: Signature, key: PublicKey): Promise<boolean> {
  // Escaped, because a PEM has line breaks; the canonical form is made of it where that differs.
  const signedBytes = encodeJson(statementJson(statement));
  const metadata = { signed: undefined, signatures: [signature], bytes: signedBytes, signedBytes };
  const role = { keyids: [key.keyid], threshold: 1 };
  return (await checkSignatures(metadata, new Map([[key.keyid, key]]), role)).valid === 1;
}

function statementJson({ type, index, account, key }: KeyStatement): JsonObject {
  return new Map(Object.entries({ _type: type, account, index, key: toJson(key.json) }));
}
