import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findInNetrc } from './credentials.ts';

test('finds the entry of a host in netrc text, whatever its layout', () => {
  const text = `# comment
machine a.example
  login anna
  password "se cret"
macdef init
  machine evil login x password y

machine b.example login bob password p2
default login anyone password none
`;
  assert.deepEqual(findInNetrc(text, 'a.example'), { username: 'anna', password: 'se cret' });
  assert.deepEqual(findInNetrc(text, 'b.example'), { username: 'bob', password: 'p2' });
  assert.deepEqual(findInNetrc(text, 'c.example'), { username: 'anyone', password: 'none' });
  assert.deepEqual(findInNetrc(text, 'evil'), { username: 'anyone', password: 'none' });
  assert.equal(findInNetrc('', 'a.example'), undefined);
});
