import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestSigner } from './s3-signature.ts';

const scope = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 's3',
};
const signatureOf = ({ authorization = '' }: Record<string, string>): string | undefined =>
  /Signature=([0-9a-f]{64})$/.exec(authorization)?.[1];

test('a request is signed as in the examples of the S3 API reference', () => {
  const signer = new RequestSigner();
  const host = 'examplebucket.s3.amazonaws.com';
  const get = signer.sign(
    { method: 'GET', path: '/test.txt', headers: { host, range: 'bytes=0-9' }, body: new Uint8Array() },
    scope,
    new Date('2013-05-24T00:00:00Z'),
  );
  assert.equal(signatureOf(get), 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  const headers = { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' };
  const put = signer.sign(
    { method: 'PUT', path: '/test%24file.text', headers, body: Buffer.from('Welcome to Amazon S3.') },
    scope,
    new Date('2013-05-24T00:00:00Z'),
  );
  assert.equal(signatureOf(put), '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
});

test('a key that was made for one day or one secret signs for no other', () => {
  const request = { method: 'GET', path: '/x', headers: { host: 'h' }, body: new Uint8Array() };
  const others = [
    { scope, at: new Date('2026-01-02T00:00:00Z') },
    { scope: { ...scope, secretAccessKey: 'another' }, at: new Date('2026-01-01T23:59:59Z') },
    { scope: { ...scope, sessionToken: 'token' }, at: new Date('2026-01-01T23:59:59Z') },
  ];
  const signer = new RequestSigner();
  signer.sign(request, scope, new Date('2026-01-01T23:59:59Z'));
  for (const other of others) {
    const again = signer.sign(request, other.scope, other.at);
    assert.equal(signatureOf(again), signatureOf(new RequestSigner().sign(request, other.scope, other.at)));
    assert.equal(again['x-amz-security-token'], 'sessionToken' in other.scope ? 'token' : undefined);
  }
});
