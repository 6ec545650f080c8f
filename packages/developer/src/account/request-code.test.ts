import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { generateKey } from '@holdfast/tuf/node';
import { requestKey } from './account-keys.ts';
import { readRequestCode, requestCode } from './request-code.ts';

const owner = { index: 'ab'.repeat(32), account: 'ann' };
const refused = { code: 'REQUEST_CODE' };

describe('a request code', () => {
  it('brings a key of any kind whole to the other machine, whatever a mail program does to its lines', async () => {
    for (const scheme of ['ed25519', 'ecdsa-sha2-nistp256', 'rsassa-pss-sha256'] as const) {
      const request = await requestKey(owner, await generateKey(scheme), 'Laptop von Änne');
      const code = requestCode(request);
      assert.match(code, /^hfk1\.[A-Za-z0-9_-]+$/);
      if (scheme === 'ed25519') assert.ok(code.length < 500, String(code.length));
      assert.deepEqual(await readRequestCode(code), request);
      assert.deepEqual(await readRequestCode(`\n  ${code.replaceAll(/.{60}/g, '$&\r\n ')}\n`), request);
    }
  });

  it('is refused when anything in it was changed', async () => {
    const request = await requestKey(owner, await generateKey('ed25519'), 'x');
    const other = await generateKey('ed25519');
    for (const changed of [
      { ...request, account: 'eve' },
      { ...request, index: 'cd'.repeat(32) },
      { ...request, key: other.key },
      { ...request, proof: { ...request.proof, sig: '00'.repeat(64) } },
    ])
      await assert.rejects(readRequestCode(requestCode(changed)), { ...refused, message: /has not signed it/ });
  });

  it('is refused when a part is missing, or when it is none', async () => {
    const code = requestCode(await requestKey(owner, await generateKey('ed25519'), 'x'));
    const json = inflateRawSync(Buffer.from(code.slice(5), 'base64url'));
    const bomb = `hfk1.${deflateRawSync(Buffer.concat([json, Buffer.alloc(100_000, ' ')])).toString('base64url')}`;
    for (const text of [code.slice(0, -8), code.slice(2), 'hfk1.', '', 'hfk2.AAAA', `hfk1.${'A'.repeat(9000)}`, bomb])
      await assert.rejects(readRequestCode(text), refused, text.slice(0, 20));
  });
});
