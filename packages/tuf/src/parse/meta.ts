import type { JsonObject, JsonValue } from '../json/value.ts';
import type { MetaFile, Metadata, Snapshot, Timestamp } from '../model.ts';
import { parseCommon, parseHashes } from './common.ts';
import { parseEnvelope } from './envelope.ts';
import { asInteger, asObject } from './fields.ts';

/** §4.6. Entries of `meta` other than `snapshot.json` are ignored. @throws FormatError */
export function parseTimestamp(bytes: Uint8Array): Metadata<Timestamp> {
  return parseEnvelope(bytes, (signed) => ({
    ...parseCommon(signed, 'timestamp', ['meta']),
    type: 'timestamp',
    snapshotMeta: metaFile(asObject(signed.get('meta'), 'signed.meta').get('snapshot.json'), 'signed.meta'),
  }));
}

/** §4.4. @throws FormatError */
export function parseSnapshot(bytes: Uint8Array): Metadata<Snapshot> {
  return parseEnvelope(bytes, snapshotFrom);
}

function snapshotFrom(signed: JsonObject): Snapshot {
  const meta = new Map<string, MetaFile>();
  for (const [name, value] of asObject(signed.get('meta'), 'signed.meta'))
    meta.set(name, metaFile(value, 'signed.meta'));
  return { ...parseCommon(signed, 'snapshot', ['meta']), type: 'snapshot', meta };
}

function metaFile(value: JsonValue | undefined, where: string): MetaFile {
  const object = asObject(value, `${where}[]`);
  const version = asInteger(object.get('version'), 1, `${where}[].version`);
  const length = object.get('length');
  const hashes = object.get('hashes');
  if (length === undefined && hashes === undefined) return { version };
  return {
    version,
    ...(length === undefined ? {} : { length: asInteger(length, 0, `${where}[].length`) }),
    ...(hashes === undefined ? {} : { hashes: parseHashes(hashes, `${where}[].hashes`) }),
  };
}
