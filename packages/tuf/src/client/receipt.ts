/** A proof that was verified, with the timestamp that names its root: enough to verify it again without a network. */
export interface Receipt {
  readonly subject: string;
  /** The timestamp as received. */
  readonly timestamp: Uint8Array;
  /** Of the timestamp. */
  readonly expires: Date;
  readonly proof: Uint8Array;
}

/** Where the store keeps it; names of roles end in `.json`. */
export function receiptName(subject: string): string {
  return `${subject}.proof`;
}

/** Four bytes with the length of the timestamp, big-endian, the timestamp, the proof. */
export function encodeReceipt({ timestamp, proof }: Receipt): Uint8Array {
  const bytes = new Uint8Array(4 + timestamp.length + proof.length);
  new DataView(bytes.buffer).setUint32(0, timestamp.length);
  bytes.set(timestamp, 4);
  bytes.set(proof, 4 + timestamp.length);
  return bytes;
}

/** Nothing of it is verified yet; `undefined` for what is too short. */
export function decodeReceipt(bytes: Uint8Array): Pick<Receipt, 'timestamp' | 'proof'> | undefined {
  if (bytes.length < 4) return undefined;
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return end > bytes.length ? undefined : { timestamp: bytes.subarray(4, end), proof: bytes.subarray(end) };
}
