/** Steps over pieces of JSON without making values of them. Each returns the offset behind the piece, or -1. */

export function skipSpace(text: string, at: number): number {
  let unit = text.charCodeAt(at);
  if (unit > 0x20) return at;
  while (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09) unit = text.charCodeAt(++at);
  return at;
}

/** One of `{ } : ,` with space around it. */
export function skipMark(text: string, at: number, mark: number): number {
  const start = skipSpace(text, at);
  return text.charCodeAt(start) === mark ? skipSpace(text, start + 1) : -1;
}

/** `"name":` with space allowed around the colon; `quoted` is the name in quotes. */
export function skipName(text: string, at: number, quoted: string): number {
  return text.startsWith(quoted, at) ? skipMark(text, at + quoted.length, 0x3a) : -1;
}

/** A natural number as JSON writes it, of at most 15 digits: beyond that a closer look is needed. */
export function skipNatural(text: string, at: number): number {
  let end = at;
  let unit = text.charCodeAt(end);
  const zero = unit === 0x30;
  while (unit >= 0x30 && unit <= 0x39) unit = text.charCodeAt(++end);
  const digits = end - at;
  if (digits === 0 || digits > 15 || (zero && digits > 1)) return -1;
  // A fraction or an exponent is not for here.
  return unit === 0x2e || unit === 0x65 || unit === 0x45 ? -1 : end;
}

/** The number that {@link skipNatural} went over. */
export function readNatural(text: string, at: number): number {
  let value = 0;
  for (let unit = text.charCodeAt(at); unit >= 0x30 && unit <= 0x39; unit = text.charCodeAt(++at))
    value = value * 10 + (unit - 0x30);
  return value;
}

/** A string of exactly `digits` lower-case hexadecimal digits. */
export function skipHex(text: string, at: number, digits: number): number {
  const end = at + 1 + digits;
  if (text.charCodeAt(at) !== 0x22 || text.charCodeAt(end) !== 0x22) return -1;
  for (let index = at + 1; index < end; index++) {
    const unit = text.charCodeAt(index);
    if (!((unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x66))) return -1;
  }
  return end + 1;
}
