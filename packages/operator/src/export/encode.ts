import type { ClaimFact, Distribution, KeyEventFact, QuietFact, RotatedFact } from '@holdfast/trust';
import { type JsonObject, type JsonValue, toJson } from '@holdfast/tuf';
import { type Entry, entry, fileEntry } from '../file/entries.ts';
import { keysJson } from '../file/members.ts';
import type { Holders } from '../holders.ts';
import type { ExportItem, SigningOrder } from './model.ts';

/** The entries of an item: docs/formats/offline-signing.md. */
export function encodeItem(item: ExportItem): readonly Entry[] {
  switch (item.kind) {
    case 'order':
      return [entry('order', orderMembers(item.order))];
    case 'root':
      return [fileEntry('root', [], item.bytes)];
    case 'role':
      return [fileEntry('role', [['role', item.role]], item.bytes)];
    case 'retired':
      return [entry('retired', Object.entries({ role: item.role, version: item.version }))];
    case 'claim':
      return claimEntries(item.claim);
    case 'rotated':
      return rotatedEntries(item.rotated);
    case 'quiet':
      return [entry('quiet', quietMembers(item.quiet))];
    case 'leave':
      return [entry('leave', Object.entries({ project: item.project, reason: item.reason }))];
    case 'decision':
      return [entry('decision', Object.entries({ decision: item.decision, project: item.project }))];
  }
}

function orderMembers(order: SigningOrder): [string, JsonValue][] {
  const { now, publication, model, holders, terms, bulletin } = order;
  const holdersJson = (of: Holders): JsonValue =>
    new Map<string, JsonValue>([
      ['keys', keysJson(of.keys)],
      ['threshold', of.threshold],
    ]);
  const members: [string, JsonValue][] = [
    ['now', now.toISOString()],
    ['publication', publication],
    ['model', model],
    ['holders', new Map(Array.from(holders, ([role, of]) => [role, holdersJson(of)]))],
    [
      'terms',
      toJson(
        new Map(
          Array.from(terms, ([role, { expires, renewBefore }]) => [
            role,
            { expires: expires.toISOString(), renew_before: renewBefore.toISOString() },
          ]),
        ),
      ),
    ],
  ];
  if (bulletin !== undefined) members.push(['bulletin', toJson(bulletin && { id: bulletin.id, text: bulletin.text })]);
  return members;
}

function claimEntries(claim: ClaimFact): readonly Entry[] {
  const { project, role, keys, threshold, account, since, inForce, files, firstUpload } = claim;
  const members: [string, JsonValue][] = [
    ['project', project],
    ['role', role],
    ['keys', keysJson(keys)],
    ['threshold', threshold],
    ['account', account],
    ['since', since.toISOString()],
    ['in_force', inForce],
    ['files', files],
    ['events', claim.events.length],
  ];
  if (firstUpload) members.push(['first_upload', firstUpload.toISOString()]);
  return [fileEntry('claim', members, claim.metadata), ...claim.events.map(eventEntry)];
}

function eventEntry(event: KeyEventFact): Entry {
  const members: [string, JsonValue][] = [
    ['kind', event.kind],
    ['at', event.at.toISOString()],
  ];
  if (event.kind !== 'claim') return fileEntry('event', members, event.bytes);
  return entry('event', [...members, ['keys', keysJson(event.keys)], ['threshold', event.threshold]]);
}

function rotatedEntries({ project, metadata, rotations }: RotatedFact): readonly Entry[] {
  const head = fileEntry('rotated', Object.entries({ project, rotations: rotations.length }), metadata);
  return [head, ...rotations.map((bytes) => fileEntry('rotation', [], bytes))];
}

function quietMembers({ project, files, lastUpload }: QuietFact): [string, JsonValue][] {
  return [
    ['project', project],
    ['files', files.map(fileJson)],
    ['last_upload', lastUpload.toISOString()],
  ];
}

function fileJson(file: Distribution): JsonObject {
  const { filename, sha256, size, uploadTime, requiresPython, yanked, coreMetadata } = file;
  const json = { filename, sha256, size, upload_time: uploadTime.toISOString() };
  return new Map(
    Object.entries({
      ...json,
      ...(requiresPython !== undefined && { requires_python: requiresPython }),
      ...(yanked !== undefined && { yanked }),
      ...(coreMetadata && { core_metadata: toJson({ sha256: coreMetadata.sha256, size: coreMetadata.size }) }),
    }),
  );
}
