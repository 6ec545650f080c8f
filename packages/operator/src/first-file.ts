import { OfflineFileError } from './errors.ts';
import { fileEntry, readEntries, writeEntries } from './file/entries.ts';
import { stringOf } from './file/members.ts';

const FORMAT = 'holdfast-offline-first-1';

/** What a ceremony brings to a new index: signed files, nothing secret. */
export interface FirstMetadata {
  readonly root: Uint8Array;
  readonly targets: Uint8Array;
  readonly roles: ReadonlyMap<string, Uint8Array>;
}

export async function writeFirst(path: string, { root, targets, roles }: FirstMetadata): Promise<void> {
  const all = new Map([['root', root], ['targets', targets], ...roles]);
  await writeEntries(
    path,
    FORMAT,
    Array.from(all, ([role, bytes]) => fileEntry('role', [['role', role]], bytes)),
  );
}

/** Reads one; whoever makes the index of it verifies it. @throws OfflineFileError */
export async function readFirst(path: string): Promise<FirstMetadata> {
  const roles = new Map<string, Uint8Array>();
  for await (const { head, bytes } of readEntries(path, FORMAT)) roles.set(stringOf(head, 'role'), bytes);
  const [root, targets] = [roles.get('root'), roles.get('targets')];
  if (!root || !targets) throw new OfflineFileError(path, 'it lacks root or targets');
  roles.delete('root');
  roles.delete('targets');
  return { root, targets, roles };
}
