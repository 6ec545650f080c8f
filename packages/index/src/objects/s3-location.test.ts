import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidLocationError } from '../errors.ts';
import { parseS3Location } from './s3-location.ts';

test('the location of a bucket names it, and may name an endpoint and a region', () => {
  assert.deepEqual(parseS3Location('s3://files'), { bucket: 'files', endpoint: undefined, region: undefined });
  assert.deepEqual(parseS3Location('s3://files?endpoint=http://127.0.0.1:7480&region=eu'), {
    bucket: 'files',
    endpoint: 'http://127.0.0.1:7480',
    region: 'eu',
  });
});

test('a location with credentials in it, or with anything that nobody would read, is refused', () => {
  const wrong = [
    '',
    'files',
    'http://files',
    's3://',
    's3://key:secret@files',
    's3://key@files',
    's3://files/prefix',
    's3://files#x',
    's3://FILES_',
    's3://127.0.0.1',
    's3://files?acl=public',
    's3://files?endpoint=ftp://x',
    's3://files?endpoint=http://a:b@x',
    's3://files?endpoint=nothing',
  ];
  for (const text of wrong) assert.throws(() => parseS3Location(text), InvalidLocationError, text);
  assert.throws(
    () => parseS3Location('s3://key:hidden@files'),
    (error: Error) => !error.message.includes('hidden'),
  );
});
