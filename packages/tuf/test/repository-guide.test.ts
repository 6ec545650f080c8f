import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { DirectoryStorage } from '@holdfast/tuf/node';
import { reader } from './served.ts';

const GUIDE = new URL('../../../docs/guides/tuf-repository.md', import.meta.url);

it("runs the guide's program from top to bottom, and a client reads what it made", async () => {
  const guide = await readFile(GUIDE, 'utf8');
  const program = Array.from(guide.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code).join('\n');
  const directory = await mkdtemp(fileURLToPath(new URL('.guide-', import.meta.url)));
  try {
    await writeFile(join(directory, 'guide.ts'), program);
    const child = spawn(process.execPath, ['--conditions=holdfast-source', 'guide.ts'], { cwd: directory });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    assert.equal(status, 0, output);
    assert.match(output, /Map\(3\) \{ 'projects-bin-7' => 2, 'snapshot' => 3, 'timestamp' => 3 \}/);
    assert.match(output, /signatures are missing: root needs 1 more, by [0-9a-f]{64} or [0-9a-f]{64}\n/);
    const root = await readFile(join(directory, 'repository/metadata/1.root.json'));
    const client = reader(new DirectoryStorage(join(directory, 'repository')), root, { now: new Date() });
    assert.equal((await client.refresh()).snapshotVersion, 1000);
    assert.equal((await client.targetInfo('tools/drill.txt'))?.file.length, 7);
  } finally {
    await rm(directory, { recursive: true });
  }
});
