/** Bytes that are not what RFC 4251 §5 describes. */
export class SshFormatError extends Error {}

/** Reads the data types of RFC 4251 §5, never beyond the end. */
export class SshReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  /** A number that is not negative, without leading zeros. */
  mpint(): Buffer {
    const bytes = this.string();
    if ((bytes[0] ?? 0) >= 0x80) throw new SshFormatError('a negative number');
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new SshFormatError(`${this.bytes.length - this.at} bytes too many`);
  }

  private take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw new SshFormatError('it ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function sshString(content: Uint8Array): Buffer {
  return Buffer.concat([uint32(content.length), content]);
}
