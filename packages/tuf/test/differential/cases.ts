import type { CaseRequest, StepRequest } from '../peers/protocol.ts';
import { Draft, type FileKind, keyAt, keyTable, roleDraft, targetEntry } from './draft.ts';
import type { Oddity } from './oddities.ts';
import { raw, rawObject } from './raw-json.ts';

export function request(trusted: Buffer | undefined, steps: readonly StepRequest[]): CaseRequest {
  if (trusted === undefined) throw new RangeError('no trusted root');
  return { op: 'case', trusted: trusted.toString('base64'), steps };
}

export function stepOf(draft: Draft, lookups: readonly string[]): StepRequest {
  const files = Object.fromEntries([...draft.files].map(([name, bytes]) => [name, bytes.toString('base64')]));
  return { files, lookups };
}

/** `targets` lists `a`; `team` lists `d/x`. The trusted root is version 1, the newest version 2. */
export function simpleDraft(): Draft {
  const draft = new Draft({ root: [keyAt(0)], timestamp: [keyAt(2)], snapshot: [keyAt(1)], targets: [keyAt(3)] });
  draft.top.targets.body = rawObject({
    targets: { a: targetEntry(1) },
    delegations: {
      keys: keyTable([keyAt(4)]),
      roles: [{ name: 'team', keyids: [keyAt(4).keyid], threshold: 1, terminating: false, paths: ['d/*'] }],
    },
  });
  draft.delegated.set('team', roleDraft(new Map([['targets', raw({ 'd/x': targetEntry(2) })]]), [keyAt(4)]));
  draft.publishRoot();
  return draft;
}

export function oddCase(oddity: Oddity, kind: FileKind): CaseRequest {
  const draft = simpleDraft();
  draft.distortion = { kind, by: oddity.by };
  draft.publishRoot();
  draft.publish();
  return request(draft.files.get('1.root.json'), [stepOf(draft, ['a', 'd/x', 'd/absent'])]);
}
