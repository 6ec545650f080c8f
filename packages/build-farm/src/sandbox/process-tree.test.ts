import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { measureTree, parseStat } from './process-tree.ts';

test('counts a process with its descendants and their memory, and nobody else', async () => {
  const script = 'sleep 60 & sleep 60 & (sleep 60 & echo ready; wait) & wait';
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  try {
    const size = await measureTree(child.pid ?? 0);
    assert.equal(size.processes, 5);
    assert.ok(size.memoryBytes > 1e6 && size.memoryBytes < 1e8, String(size.memoryBytes));
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }
  assert.deepEqual(await measureTree(2 ** 30), { processes: 0, memoryBytes: 0 });
});

test('a process cannot hide its parent behind its name', () => {
  const fields = ['S', '7', ...Array.from({ length: 19 }, () => '0'), '3', '0'];
  assert.deepEqual(parseStat(`5 (a) S 1 (b) ${fields.join(' ')}`), { parent: 7, memoryBytes: 3 * 4096 });
  assert.equal(parseStat('5 (cut) S'), undefined);
});
