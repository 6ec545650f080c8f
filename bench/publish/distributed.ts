import { startPostgres } from '../../packages/index/test/support/postgres-server.ts';
import { startS3Server } from '../../packages/index/test/support/s3-server.ts';
import type { MakeOptions } from '../lib/index-directory.ts';

/** A PostgreSQL server and an S3 server of their own, on this machine, and how an index is made on them. */
export async function distributedStores(): Promise<MakeOptions & { stop(): Promise<void> }> {
  const [postgres, s3] = await Promise.all([startPostgres(), startS3Server()]);
  await s3.bucket('bench');
  const objects = `s3://bench?endpoint=${encodeURIComponent(s3.url)}`;
  return {
    init: ['--records', postgres.database('bench'), '--objects', objects],
    environment: {
      AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    },
    async stop() {
      await Promise.all([postgres.stop(), s3.stop()]);
    },
  };
}
