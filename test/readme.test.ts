import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../packages/holdfast/src/commands/all.ts';

/** What the documents say is there. The commands themselves are run by the demo and by the command's own tests. */
const root = join(import.meta.dirname, '..');
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root });

test('every link in a document leads to a file that is there', () => {
  assert.ok(documents.length > 10);
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      assert.ok(
        statSync(join(root, dirname(document), target), { throwIfNoEntry: false }),
        `${document} links to ${target}`,
      );
    }
  }
});

test('every holdfast command that a document shows exists', () => {
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    for (const block of text.matchAll(/```sh\n([^]*?)```/g)) {
      for (const [, first = '', second = ''] of (block[1] ?? '').matchAll(/^holdfast ([a-z-]+)(?: ([a-z-]+))?/gm)) {
        assert.ok(
          first === 'help' || commands.has(first) || commands.has(`${first} ${second}`),
          `${document} shows holdfast ${first} ${second}`,
        );
      }
    }
  }
});

test('the guides name every command', () => {
  const guides = ['README.md', ...globSync('docs/guides/*.md', { cwd: root })]
    .map((guide) => readFileSync(join(root, guide), 'utf8'))
    .join('\n');
  for (const name of commands.keys()) assert.ok(guides.includes(`holdfast ${name}`), `no guide names holdfast ${name}`);
});
