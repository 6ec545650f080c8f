import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileRefusedError, RefusedError, WrongPhraseError } from '@holdfast/developer';
import { explain } from './explain.ts';

test('that nothing was changed is said once, whoever says it', async () => {
  const said = 'mine is claimed already. Nothing was changed.';
  assert.deepEqual(await explain(new RefusedError(409, 'ALREADY_CLAIMED', said)), { sentence: said });
  assert.deepEqual(await explain(new RefusedError(403, 'NOT_YOUR_PROJECT', 'This token may not publish for mine.')), {
    sentence: 'This token may not publish for mine.',
    remedy: 'Nothing was changed.',
  });
  assert.match((await explain(new WrongPhraseError('ab'.repeat(32)))).remedy ?? '', /^Nothing was changed\. A phrase/);
  assert.deepEqual(await explain(new FileRefusedError('x.whl', 'it is none. Nothing was changed.')), {
    sentence: 'x.whl was refused: it is none. Nothing was changed.',
    remedy: 'Correct that, and give the command again.',
  });
});

test('a file that is written under a temporary name is missed by the name of its directory', async () => {
  const path = '/nonexistent/place/.0123456789abcdef.tmp';
  const missing = Object.assign(new Error('no'), { code: 'ENOENT', syscall: 'open', path });
  assert.equal((await explain(missing)).sentence, '/nonexistent/place does not exist.');
});
