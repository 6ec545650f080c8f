import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findInPypirc } from './pypirc.ts';

const FILE = `
[distutils]
index-servers =
    pypi
    work

[pypi]
username = __token__
password = of-another-index

# ours
[work]
Repository: https://packages.example.com/team/legacy/
  ; a comment
username = __token__
password =  hf_a=b:c%20d
[twice]
repository = https://packages.example.com/team/legacy/
username = __token__
password = second
[half]
repository = https://half.example.com/legacy/
username = __token__
[broken
= nothing
`;

describe('~/.pypirc', () => {
  it('has the token of the section whose address is the index’s, as twine reads it', () => {
    const expected = { username: '__token__', password: 'hf_a=b:c%20d' };
    assert.deepEqual(findInPypirc(FILE, 'https://packages.example.com/team/'), expected);
    assert.deepEqual(findInPypirc(FILE.replaceAll('\n', '\r\n'), 'https://packages.example.com/team/'), expected);
  });

  it('gives no token to another address', () => {
    const others = [
      'https://packages.example.com/other/',
      'http://packages.example.com/team/',
      'https://packages.example.com.evil.example/',
      'https://half.example.com/',
      'https://example.com/',
    ];
    for (const url of others) assert.equal(findInPypirc(FILE, url), undefined, url);
    assert.equal(findInPypirc('', 'https://packages.example.com/'), undefined);
  });
});
