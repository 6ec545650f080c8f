import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTokenUri } from './pkcs11-uri.ts';

describe('the address of a key in a token (RFC 7512)', () => {
  it('names module, token, label and id', () => {
    const uri = 'pkcs11:token=My%20Key%3b1;object=r%C3%A9lease;id=%01%ffA;type=private?module-path=/usr/lib/x%2by.so';
    assert.deepEqual(parseTokenUri(uri), {
      module: '/usr/lib/x+y.so',
      token: 'My Key;1',
      key: { label: 'rélease', id: '01ff41' },
    });
    assert.deepEqual(parseTokenUri('pkcs11:object=k;token=t?module-path=m').key, { label: 'k' });
  });

  const refused: readonly [string, RegExp][] = [
    ['token=t;object=k?module-path=m', /begins with "pkcs11:"/],
    ['pkcs11:object=k?module-path=m', /names no token/],
    ['pkcs11:token=t?module-path=m', /object or id is missing/],
    ['pkcs11:token=t;object=k', /module-path=/],
    ['pkcs11:token=t;object=k?pin-value=1234&module-path=m', /"pin-value" is not supported, and a PIN is asked for/],
    ['pkcs11:token=t;object=k;serial=7?module-path=m', /"serial" is not supported/],
    ['pkcs11:token=t;token=u;object=k?module-path=m', /"token=u" stands in it/],
    ['pkcs11:token=t;object=k%zz?module-path=m', /not percent-encoded/],
    ['pkcs11:token=t;object=k;type=cert?module-path=m', /type is private/],
    ['pkcs11:token=t;object=k;nonsense?module-path=m', /"nonsense" stands in it/],
  ];
  for (const [uri, message] of refused) {
    it(`is refused rather than half understood: ${uri}`, () => {
      assert.throws(() => parseTokenUri(uri), { code: 'INVALID_TOKEN_URI', message });
    });
  }
});
