import { createHash } from 'node:crypto';
import { encodeRoleName } from '../client/role-name.ts';
import { FileMetadataStore } from '../node/file-store.ts';

const MAX_NAME_BYTES = 200;

/**
 * One directory with the file names that python-tuf uses, `ROLE.json` percent-encoded; beside them `root.N` for each root
 * that was trusted.
 */
export class PlainStore extends FileMetadataStore {
  constructor(directory: string) {
    super(directory, { fileName: plainFileName });
  }
}

/** Percent-encoded into one path segment that is never `.` or `..`; what is too long for a file name is hashed. */
export function plainFileName(name: string): string {
  const encoded = encodeRoleName(name);
  if (encoded.length > MAX_NAME_BYTES) return createHash('sha256').update(name).digest('hex');
  return encoded === '.' || encoded === '..' ? encoded.replaceAll('.', '%2E') : encoded;
}
