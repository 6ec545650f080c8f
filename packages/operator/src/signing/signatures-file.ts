import { FormatError } from '@holdfast/tuf';
import { OfflineFileError } from '../errors.ts';
import { type Entry, entry, readEntries, writeEntries } from '../file/entries.ts';
import { assertMembers, integerOf, stringOf } from '../file/members.ts';
import type { OfflineSignature } from './sign.ts';

const FORMAT = 'holdfast-offline-signatures-1';

/** What one holder, or several, signed of one export. */
export interface SignaturesFile {
  /** Of the export. */
  readonly id: string;
  readonly signatures: readonly OfflineSignature[];
}

export async function writeSignatures(path: string, { id, signatures }: SignaturesFile): Promise<void> {
  const entries = signatures.map((signature) => entry('signature', Object.entries(signature)));
  await writeEntries(path, FORMAT, [entry('export', [['id', id]]), ...entries]);
}

/** Reads one; nothing of it is verified yet. @throws OfflineFileError */
export async function readSignatures(path: string): Promise<SignaturesFile> {
  const signatures: OfflineSignature[] = [];
  let id: string | undefined;
  for await (const { head } of readEntries(path, FORMAT)) {
    try {
      if (id === undefined) id = idOf(head);
      else signatures.push(signatureOf(head));
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      throw new OfflineFileError(path, cause.message, { cause });
    }
  }
  if (id === undefined) throw new OfflineFileError(path, 'it does not say what was signed');
  return { id, signatures };
}

function idOf(head: Entry['head']): string {
  if (stringOf(head, 'entry') !== 'export') throw new FormatError('entry', 'should be the export');
  assertMembers(head, 'id');
  return stringOf(head, 'id');
}

function signatureOf(head: Entry['head']): OfflineSignature {
  if (stringOf(head, 'entry') !== 'signature') throw new FormatError('entry', 'should be a signature');
  assertMembers(head, 'role', 'version', 'sha256', 'keyid', 'sig');
  const hex = (name: string): string => {
    const text = stringOf(head, name);
    if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new FormatError(name, 'should be lower-case hex');
    return text;
  };
  const [sha256, keyid, sig] = [hex('sha256'), stringOf(head, 'keyid'), hex('sig')];
  return { role: stringOf(head, 'role'), version: integerOf(head, 'version', 1), sha256, keyid, sig };
}
