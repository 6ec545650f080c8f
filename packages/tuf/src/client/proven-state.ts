/** Where the store keeps it; names of roles end in `.json`. §5.3.11 forgets it together with the snapshot. */
export const PROVEN_NAME = 'proven-roles';

/** What a client remembers of everything that was proven to it. */
export interface ProvenState {
  /** The highest version seen, by file name as in a snapshot. */
  readonly versions: Map<string, number>;
  /** Kept proofs: until when their timestamp is valid (milliseconds since 1970), by subject, the newest last. */
  readonly receipts: Map<string, number>;
}

/** A damaged file is as good as none, like a damaged timestamp. */
export function readProvenState(bytes: Uint8Array | undefined): ProvenState {
  const json = bytes === undefined ? undefined : parse(new TextDecoder().decode(bytes));
  const [versions, receipts] = asList(json);
  return { versions: numbers(versions), receipts: numbers(receipts) };
}

/** Lists of pairs: names are an outsider's choice. */
export function writeProvenState({ versions, receipts }: ProvenState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([[...versions], [...receipts]]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function numbers(pairs: unknown): Map<string, number> {
  const found = new Map<string, number>();
  for (const pair of asList(pairs)) {
    const [name, number] = asList(pair);
    if (typeof name === 'string' && typeof number === 'number' && Number.isSafeInteger(number)) found.set(name, number);
  }
  return found;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
