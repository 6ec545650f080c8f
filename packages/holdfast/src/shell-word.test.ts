import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a word is what a real shell makes of it, whatever is in the path', () => {
  const words = ['/srv/index', 'to-sign', 'a b', "it's", '$HOME', '*', '', '~', 'x;y', '"', '-n', 'ü'];
  const out = execFileSync('sh', ['-c', `printf '%s\\n' ${words.map(shellWord).join(' ')}`], { encoding: 'utf8' });
  assert.deepEqual(out.split('\n').slice(0, -1), words);
  assert.equal(shellWord('/srv/index-1'), '/srv/index-1', 'plain ones stay plain');
});
