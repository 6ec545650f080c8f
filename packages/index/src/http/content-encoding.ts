/** A transfer coding that this server makes, by its HTTP name. */
export type ContentEncoding = 'br' | 'gzip' | 'zstd';

/**
 * What the server prefers when the client likes several equally: the smallest first, as each form is made once and sent often. Of what is
 * mostly hashes brotli 4 makes a tenth less than zstd 3, in three times its time.
 */
const SMALLEST: readonly ContentEncoding[] = ['br', 'zstd', 'gzip'];
/** The same for what is large, such as a flat snapshot: the fastest to make first. */
const FASTEST: readonly ContentEncoding[] = ['zstd', 'gzip', 'br'];
/** Bytes. Brotli 4 takes 10 ms for this much. */
const LARGE = 1 << 20;

/** The most codings that are read from one field; nobody sends more. */
const MAX_CODINGS = 16;

/**
 * Chooses a coding for the answer from Accept-Encoding (RFC 9110 §12.5.3), or `undefined` for no coding. Without the
 * field nothing is compressed: a client that wants it says so.
 * @param length of what is sent, in bytes
 */
export function negotiateEncoding(header: string | undefined, length = 0): ContentEncoding | undefined {
  if (header === undefined) return undefined;
  const weights = readWeights(header);
  const wildcard = weights.get('*') ?? 0;
  let best: ContentEncoding | undefined;
  let bestWeight = weights.get('identity') ?? 0;
  for (const encoding of length > LARGE ? FASTEST : SMALLEST) {
    const weight = weights.get(encoding) ?? wildcard;
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && best === undefined)) {
      best = encoding;
      bestWeight = weight;
    }
  }
  return best;
}

/** Whether a coding is named and not refused. */
export function acceptsByName(coding: string, header: string | undefined): boolean {
  return header !== undefined && (readWeights(header).get(coding) ?? 0) > 0;
}

function readWeights(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const item of header.split(',', MAX_CODINGS)) {
    const [coding = '', ...parameters] = item.split(';');
    const quality = parameters.map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(parameter)?.[1]);
    const weight = Number(quality.find((value) => value !== undefined) ?? '1');
    if (coding.trim() !== '') weights.set(coding.trim().toLowerCase(), Math.min(weight, 1));
  }
  return weights;
}
