import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));

/** Whether a test of this name stands in the sources; what is filled in when it runs has to stand in the same file. */
type Title = (name: string) => boolean;

async function testTitles(): Promise<readonly Title[]> {
  const titles: Title[] = [];
  for (const file of globSync('{src,test}/**/*.test.ts', { cwd: packageDirectory })) {
    const source = await readFile(`${packageDirectory}/${file}`, 'utf8');
    for (const [, , text = ''] of source.matchAll(/\bit\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)) {
      const parts = text.replace(/\\(.)/g, '$1').split(/\$\{[^}]*\}/);
      const pattern = new RegExp(`^${parts.map(escaped).join('(.*)')}$`);
      titles.push((name) => {
        const [, ...filled] = pattern.exec(name) ?? [''];
        return pattern.test(name) && filled.every((part) => source.includes(part.replaceAll('"', '')));
      });
    }
  }
  return titles;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

interface Row {
  readonly first: string;
  readonly tests: readonly string[];
}

/** The rows of the tables under a heading. */
function rowsUnder(text: string, heading: string): readonly Row[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? assert.fail(heading);
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => {
    const cells = line.split(' | ');
    const last = cells.at(-1) ?? '';
    return {
      first: (cells[0] ?? '').replace(/^\|\s*/, '').trim(),
      tests: Array.from(last.matchAll(/`([^`]+)`/g), ([, name = '']) => name),
    };
  });
}

const text = await readFile(new URL('../../../../docs/tuf-support.md', import.meta.url), 'utf8');
const HEADINGS = ['Sentence by sentence', 'What the public client test suite leaves out', 'What tuf-js 6.0.2 does'];

describe('docs/tuf-support.md', () => {
  it('names tests that exist', async () => {
    const titles = await testTitles();
    for (const heading of HEADINGS) {
      for (const { first, tests } of rowsUnder(text, heading)) {
        for (const test of tests)
          assert.ok(
            titles.some((title) => title(test)),
            `${first}: there is no test "${test}"`,
          );
      }
    }
  });

  it('names a test with its section for every sentence of the specification, but for what it says is not there', () => {
    const rows = rowsUnder(text, 'Sentence by sentence');
    assert.ok(rows.length > 70);
    for (const { first, tests } of rows) {
      const named = new RegExp(`§${escaped(first)}(?![.\\d])`);
      assert.ok(first === '4.7' || tests.some((test) => named.test(test)), `no test of §${first} names it`);
    }
  });

  it('names a test for every gap of the public suite and for all 20 deviations of tuf-js', () => {
    const gaps = rowsUnder(text, 'What the public client test suite leaves out');
    const deviations = rowsUnder(text, 'What tuf-js 6.0.2 does');
    assert.ok(gaps.length >= 32);
    assert.deepEqual(
      deviations.map(({ first }) => first),
      Array.from({ length: 20 }, (_, index) => String(index + 1)),
    );
    for (const { first, tests } of [...gaps, ...deviations]) assert.ok(tests.length > 0, `${first} has no test`);
  });
});
