import { DatabaseSync } from 'node:sqlite';
import { normalizeName } from '@holdfast/python-index';
import { consistentTargetPath, targetPath } from '@holdfast/trust';

/** An object that the index cannot make again. What it signs by itself, it signs anew. */
export interface RecordedFile {
  readonly key: string;
  readonly sha256: string;
  readonly filename: string;
  /** Its bytes were never in the object store. */
  readonly elsewhere: boolean;
}

/** What a records' file that nobody writes says must be in the object store; read row by row, however many there are. */
export function recordedFiles(path: string): {
  readonly timestampVersion: number;
  readonly files: Iterable<RecordedFile>;
} {
  const database = new DatabaseSync(path, { readOnly: true });
  const newest = database.prepare('select max(id) as id from publications where published_at is not null').get();
  return { timestampVersion: Number(newest?.['id'] ?? 0), files: rows(database) };
}

function* rows(database: DatabaseSync): Iterable<RecordedFile> {
  const query = database.prepare(
    "select project, filename, sha256, metadata_sha256, location from files where state in ('published', 'queued', 'staged')",
  );
  try {
    for (const row of query.iterate()) {
      const [filename, sha256] = [String(row['filename']), String(row['sha256'])];
      const path = targetPath(normalizeName(String(row['project'])), filename);
      const key = `targets/${consistentTargetPath(path, sha256)}`;
      const elsewhere = row['location'] !== null;
      yield { key, sha256, filename, elsewhere };
      const metadata = row['metadata_sha256'];
      if (typeof metadata === 'string')
        yield { key: `${key}.metadata`, sha256: metadata, filename: `${filename}.metadata`, elsewhere };
    }
  } finally {
    database.close();
  }
}
