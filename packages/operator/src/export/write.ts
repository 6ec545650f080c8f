import type { ProjectName } from '@holdfast/python-index';
import type { Entry } from '../file/entries.ts';
import { writeEntries } from '../file/entries.ts';
import { EXPORT_FORMAT, readItems } from '../signing/load.ts';
import { encodeItem } from './encode.ts';
import type { Decisions, ExportItem } from './model.ts';

/** Writes an export, whole or not at all. @returns its id: what signatures are made for */
export function writeExport(path: string, items: Iterable<ExportItem> | AsyncIterable<ExportItem>): Promise<string> {
  return writeEntries(path, EXPORT_FORMAT, entriesOf(items));
}

/**
 * Writes an export again, with what the holders decided in the place of what it said about that before.
 * @returns the id of the new file
 * @throws OfflineFileError when the first one is damaged
 */
export function writeDecided(from: string, to: string, decisions: Decisions): Promise<string> {
  return writeExport(to, decided(readItems(from), decisions));
}

async function* decided(items: AsyncIterable<ExportItem>, { exclude, accept }: Decisions): AsyncGenerator<ExportItem> {
  for await (const item of items) if (item.kind !== 'decision') yield item;
  const sorted = (names: ReadonlySet<ProjectName>): ProjectName[] => [...names].sort();
  for (const project of sorted(accept)) yield { kind: 'decision', decision: 'accept', project };
  for (const project of sorted(exclude)) yield { kind: 'decision', decision: 'exclude', project };
}

async function* entriesOf(items: Iterable<ExportItem> | AsyncIterable<ExportItem>): AsyncGenerator<Entry> {
  for await (const item of items) yield* encodeItem(item);
}
