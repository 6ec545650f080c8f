import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));

describe('the package', () => {
  it('has no dependencies', async () => {
    const text = await readFile(join(packageDirectory, 'package.json'), 'utf8');
    assert.match(text, /"dependencies": \{\}/);
  });

  it('imports Node modules only under src/node and src/cli and in the Node side of the crypto port', async () => {
    for (const name of globSync('src/**/*.ts', { cwd: packageDirectory })) {
      if (/^src\/(?:node|cli)\/|\.test\.ts$|^src\/crypto\/node\.ts$/.test(name)) continue;
      assert.doesNotMatch(
        await readFile(join(packageDirectory, name), 'utf8'),
        /from '(?:node:|\.\.?\/(?:.*\/)?node\/)|\bBuffer\b|\bprocess\./,
        name,
      );
    }
  });
});
