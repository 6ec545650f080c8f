const SIGNATURE = /^30(..)((02)(..)((?:..)*))$/;

/** r and s out of the hex of a signature, by cutting text; `undefined` unless writing them again gives the same text. */
export function slowSignature(hex: string, size: number): string | undefined {
  const whole = SIGNATURE.exec(hex);
  const length = Number.parseInt(whole?.[4] ?? '', 16);
  const body = whole?.[5] ?? '';
  const second = body.slice(length * 2);
  if (whole === null || !/^02..(?:..)*$/.test(second)) return undefined;
  const r = BigInt(`0x0${body.slice(0, length * 2)}`);
  const s = BigInt(`0x0${second.slice(4)}`);
  if (encodeSignature(r, s) !== hex || r >= 1n << BigInt(8 * size) || s >= 1n << BigInt(8 * size)) return undefined;
  return r.toString(16).padStart(size * 2, '0') + s.toString(16).padStart(size * 2, '0');
}

/** SEQUENCE of two INTEGERs in DER, as hex; only for lengths below 128. */
export function encodeSignature(r: bigint, s: bigint): string {
  const body = [r, s].map((value) => tagged('02', integer(value))).join('');
  return tagged('30', body);
}

function integer(value: bigint): string {
  const digits = value.toString(16);
  const whole = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Number.parseInt(whole.slice(0, 2), 16) >= 0x80 ? `00${whole}` : whole;
}

function tagged(tag: string, body: string): string {
  return tag + (body.length / 2).toString(16).padStart(2, '0') + body;
}
