import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { diffOf, missingIn, readExplained, type Report, survivorsOf } from './survivors.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('the list of surviving mutants', () => {
  const mutant = (status: string, replacement: string, start: [number, number], end: [number, number]) => ({
    status,
    replacement,
    location: { start: { line: start[0], column: start[1] }, end: { line: end[0], column: end[1] } },
  });
  const report: Report = {
    files: {
      'src/x.ts': {
        source: 'if (a < b)\n  return {\n    c,\n  };\n',
        mutants: [
          mutant('Survived', 'a <= b', [1, 5], [1, 10]),
          mutant('NoCoverage', '{}', [2, 10], [4, 4]),
          mutant('Killed', 'true', [1, 5], [1, 10]),
          mutant('Timeout', 'false', [1, 5], [1, 10]),
        ],
      },
    },
  };

  it('holds what no test noticed or ran, and nothing that some test noticed', () => {
    const survivors = survivorsOf(report);
    assert.deepEqual(survivors.map(diffOf), ['-if (a < b)\n+if (a <= b)', '-return { …\n+return {};']);
    assert.deepEqual(missingIn([], survivors), survivors);
    const explained = readExplained('## src/x.ts\n\n```diff\n-if (a < b)\n+if (a <= b)\n```\nBecause.\n');
    assert.deepEqual(missingIn(explained, survivors), survivors.slice(1));
    assert.deepEqual(missingIn(survivors, explained), []);
    assert.deepEqual(missingIn(survivors, [{ file: 'src/y.ts', before: 'a', after: 'b' }]).length, 1);
  });

  it('explains lines that still stand in the sources', () => {
    const explained = readExplained(read('survivors.md'));
    assert.ok(explained.length > 20);
    for (const { file, before } of explained) {
      const lines = read(`../../${file}`)
        .split('\n')
        .map((line) => line.trim());
      assert.ok(lines.includes(before.replace(/ …$/, '')), `${file}: ${before}`);
    }
  });
});
