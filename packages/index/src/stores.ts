import { join } from 'node:path';
import { DirectoryStore } from './objects/directory-store.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { parseS3Location } from './objects/s3-location.ts';
import { S3Store } from './objects/s3-store.ts';
import { VerifiedStore } from './objects/verified-store.ts';
import { PostgresRecords } from './records/postgres-records.ts';
import type { Records } from './records/records.ts';
import type { Watch } from './watch.ts';
import { SqliteRecords } from './records/sqlite-records.ts';

/** Where an index keeps what it has, when that is not in its own directory. Neither holds a secret. */
export interface StoreLocations {
  /** `postgres://USER@HOST/DATABASE`; the password comes from `PGPASSWORD`. */
  readonly records?: string | undefined;
  /** `s3://BUCKET?endpoint=URL&region=NAME`; credentials come from where the AWS SDK looks for them. */
  readonly objects?: string | undefined;
}

/** Without a location they are a file in the directory. */
export function openRecords(directory: string, { records }: StoreLocations, watch?: Watch): Promise<Records> {
  if (records === undefined) return SqliteRecords.open(join(directory, 'records.sqlite'), watch);
  return PostgresRecords.open({ location: records, watch });
}

/** Files on their way in wait in the directory in any case. */
export async function openObjects(directory: string, { objects }: StoreLocations): Promise<ObjectStore> {
  if (objects === undefined) return DirectoryStore.open(directory);
  return new VerifiedStore(
    await S3Store.open({ location: parseS3Location(objects), incoming: join(directory, 'incoming') }),
  );
}
