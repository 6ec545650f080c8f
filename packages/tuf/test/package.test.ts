import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MemoryMetadataStore, NotFoundError, Updater } from '@holdfast/tuf';

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

  it("does what its README says: the repository's example feeds the client's", async () => {
    const [client = '', repository = ''] = Array.from(
      (await readFile(join(packageDirectory, 'README.md'), 'utf8')).matchAll(/```ts\n([\s\S]*?)```/g),
      (match) => match[1] ?? '',
    );
    assert.match(client, /new Updater/);
    const directory = await mkdtemp(join(packageDirectory, 'test', '.readme-'));
    try {
      const path = join(directory, 'repository.ts');
      await writeFile(path, `${repository}\nexport { root, timestamp, snapshot, targets };\n`);
      const made: unknown = await import(pathToFileURL(path).href);
      const bytesOf = (name: string): Uint8Array => {
        const bytes: unknown = typeof made === 'object' && made !== null ? Reflect.get(made, name) : undefined;
        return bytes instanceof Uint8Array ? bytes : assert.fail(`${name} is missing`);
      };
      const updater = new Updater({
        trustedRoot: bytesOf('root'),
        fetcher: {
          async fetch(name) {
            const role = /^(?:1\.)?(timestamp|snapshot|targets)\.json$/.exec(name)?.[1];
            if (role === undefined) throw new NotFoundError(name);
            return bytesOf(role);
          },
        },
        store: new MemoryMetadataStore(),
        clock: () => new Date(),
      });
      await updater.refresh();
      assert.equal((await updater.targetInfo('a/file.txt'))?.file.length, 5);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
