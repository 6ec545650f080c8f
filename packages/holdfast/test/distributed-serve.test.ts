import assert from 'node:assert/strict';
import { access, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
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

test('holdfast makes an index in PostgreSQL and S3, and serves it from several machines, of which one needs the key', async (t) => {
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
  const again = await holdfast(directory, ['init', 'other', '--offline-keys', 'others', ...init.slice(4)], env);
  assert.equal(again.code, 1, again.out);
  await assert.rejects(access(join(directory, 'others')), { code: 'ENOENT' }, 'no key was made for nothing');
  const args = ['serve', 'index', '--port', '0'];
  const serving = await started(directory, args, /Serving at (\S+)/, env);
  const { found } = serving;
  assert.equal((await fetch(`${found}/healthz`)).status, 200);
  const second = await holdfast(directory, args, env);
  assert.equal(second.code, 1);
  await mkdir(join(directory, 'front'));
  await copyFile(join(directory, 'index', 'config.json'), join(directory, 'front', 'config.json'));
  const front = await started(directory, ['serve', 'front', '--port', '0', '--no-sign'], /Serving at (\S+)/, {
    ...env,
    HOLDFAST_PASSPHRASE: 'not that of any key',
  });
  const both = await Promise.all([found, front.found].map((url) => fetch(`${url}/metadata/timestamp.json`)));
  const [one, two] = await Promise.all(both.map((answer) => answer.text()));
  assert.equal(one, two);
  const { child } = serving;
  for (const each of [child, front.child]) each.kill('SIGTERM');
  const [{ code, err }, other] = await Promise.all([serving.end, front.end]);
  assert.deepEqual([code, other.code], [0, 0], err + other.err);
  for (const secret of Object.values(env)) assert.ok(!err.includes(secret));
});
