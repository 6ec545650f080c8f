import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startPostgres } from '../../index/test/support/postgres-server.ts';
import { startS3Server } from '../../index/test/support/s3-server.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { holdfast, started } from './holdfast.ts';

const [postgres, s3] = [await startPostgres(), await startS3Server()];
after(async () => {
  await postgres.stop();
  await s3.stop();
});

test('holdfast makes and serves an index in PostgreSQL and S3, and ends with 1 when it lost the right to sign', async (t) => {
  const directory = await temporaryDirectory(t, 'distributed-serve');
  await s3.bucket('bucket-command');
  const [records, objects] = [postgres.database('command'), `s3://bucket-command?endpoint=${s3.url}`];
  const env = { AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey };
  const init = ['init', 'index', '--offline-keys', 'offline', '--records', records, '--objects', objects];
  const hidden = await holdfast(directory, [...init.slice(0, -1), 's3://key:hidden@bucket'], env);
  assert.equal(hidden.code, 1);
  assert.match(hidden.err, /holds no credentials/);
  assert.doesNotMatch(hidden.out + hidden.err, /hidden/);
  const made = await holdfast(directory, init, env);
  assert.equal(made.code, 0, made.err);
  const args = ['serve', 'index', '--port', '0'];
  const { found, end } = await started(directory, args, /Serving at (\S+)/, env);
  assert.equal((await fetch(`${found}/healthz`)).status, 200);
  const second = await holdfast(directory, args, env);
  assert.equal(second.code, 1);
  postgres.endSigner('command');
  const { code, err } = await end;
  assert.equal(code, 1);
  assert.match(err, /the right to sign is lost/);
  for (const secret of Object.values(env)) assert.ok(!err.includes(secret));
});
