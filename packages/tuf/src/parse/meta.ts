import { EntryTable } from '../json/entry-table.ts';
import type { Metadata, Snapshot, Timestamp } from '../model.ts';
import { parseCommon } from './common.ts';
import { parseEnvelope } from './envelope.ts';
import { asObject } from './fields.ts';
import { META_ENTRIES, parseMetaFile } from './meta-entry.ts';

/** Reads a timestamp (§4.6); nothing is verified yet. Entries of `meta` other than `snapshot.json` are ignored. @throws FormatError */
export function parseTimestamp(bytes: Uint8Array): Metadata<Timestamp> {
  return parseEnvelope(bytes, (signed) => ({
    ...parseCommon(signed, 'timestamp', ['meta']),
    type: 'timestamp',
    snapshotMeta: parseMetaFile(asObject(signed.get('meta'), 'signed.meta').get('snapshot.json')),
  }));
}

/** Reads a snapshot (§4.4); nothing is verified yet. Linear in the length; an entry becomes an object when it is asked for. @throws FormatError */
export function parseSnapshot(bytes: Uint8Array): Metadata<Snapshot> {
  const meta = new EntryTable(META_ENTRIES);
  return parseEnvelope(
    bytes,
    (signed): Snapshot => {
      asObject(signed.get('meta'), 'signed.meta');
      return { ...parseCommon(signed, 'snapshot', ['meta']), type: 'snapshot', meta };
    },
    meta,
  );
}
