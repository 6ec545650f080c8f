import { after } from 'node:test';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { type S3Server, startS3Server } from './s3-server.ts';

/** Where an index in PostgreSQL and S3 may be made. */
export interface DistributedStores {
  readonly stores: { readonly records: string; readonly objects: string };
  /** The directory that the objects of the bucket are in. */
  readonly bucket: string;
}

export interface DistributedServers {
  readonly postgres: PostgresServer;
  readonly s3: S3Server;
  /** An empty database of this name, and an empty bucket `bucket-NAME`. */
  makeStores(name: string): Promise<DistributedStores>;
}

/** Real servers until all tests of the file have ended. This process, and those that it starts, may use the buckets. */
export async function startDistributed(): Promise<DistributedServers> {
  const [postgres, s3] = [await startPostgres(), await startS3Server()];
  after(async () => {
    await postgres.stop();
    await s3.stop();
  });
  process.env['AWS_ACCESS_KEY_ID'] = s3.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.credentials.secretAccessKey;
  return {
    postgres,
    s3,
    async makeStores(name) {
      const bucket = await s3.bucket(`bucket-${name}`);
      return {
        stores: { records: postgres.database(name), objects: `s3://bucket-${name}?endpoint=${s3.url}` },
        bucket,
      };
    },
  };
}
