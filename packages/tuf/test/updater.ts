import {
  isJsonObject,
  type JsonValue,
  MemoryMetadataStore,
  parseJson,
  Updater,
  type UpdaterOptions,
} from '@holdfast/tuf';
import { NOW, type TestRepository } from './repository.ts';

/** A client of a repository in memory, at the tests' fixed time. */
export function updaterOf(repository: TestRepository, options: Partial<UpdaterOptions> = {}): Updater {
  return new Updater({
    trustedRoot: repository.rootBytes,
    fetcher: repository,
    store: new MemoryMetadataStore(),
    clock: () => NOW,
    ...options,
  });
}

/** The same metadata with another text, signed by nobody anew: only for what is refused before any signature matters. */
export function edited(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  if (!text.includes(from)) throw new Error(`${from} does not occur`);
  return new TextEncoder().encode(text.replace(from, () => to));
}

/** The signed part of metadata, to be changed and signed anew. */
export function signedOf(bytes: Uint8Array): Map<string, JsonValue> {
  const envelope = parseJson(bytes);
  const signed = isJsonObject(envelope) ? envelope.get('signed') : undefined;
  if (!isJsonObject(signed)) throw new Error('no metadata');
  return new Map(signed);
}
