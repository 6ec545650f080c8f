import assert from 'node:assert/strict';
import { FormatError, parseRepositoryMap } from '@holdfast/tuf';
import { fileName } from '../../../src/node/file-store.ts';
import { type FuzzTarget, labelOf, textOf, words } from '../target.ts';

interface PlainMap {
  readonly repositories: Readonly<Record<string, readonly string[]>>;
  readonly mapping: readonly {
    readonly paths: readonly string[];
    readonly repositories: readonly string[];
    readonly threshold: number;
    readonly terminating?: boolean;
  }[];
}

/** A map file (TAP 4) is refused with a FormatError, or says what JSON.parse says, with names that are directories. */
export const map: FuzzTarget = {
  seeds: [
    '{"repositories":{"Django":["https://django.example/"],"PyPI":["https://pypi.example/","https://m.example/"]},"mapping":[{"paths":["django/*"],"repositories":["Django","PyPI"],"threshold":2,"terminating":false},{"paths":["*","*/[a-z]?"],"repositories":["PyPI"],"threshold":1}]}',
    '{"repositories":{"../a":["https://a.example/"]},"mapping":[]}',
    '{"repositories":{},"mapping":[]}',
  ],
  dictionary: [
    ...words('"repositories":{ "mapping":[ "paths":["*"] "threshold":1 "terminating":true "a":["https://a.example/"] '),
    ...words('.. / \\\\ \\u0000 con nul.x __proto__ PYPI pypi https://u:p@a.example/ ?a #a'),
    ...'{}[]:,"019.',
  ],
  stepLimit: (length) => 20_000 + 200 * length,
  run(input) {
    try {
      check(parseRepositoryMap(input), plainMap(input));
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      return labelOf(`${error.where.replace(/\[.*\]/s, '[]')} ${error.problem.replace(/.*\s/s, '')}`);
    }
    return 'accepted';
  },
};

const plainMap = (input: Uint8Array): PlainMap => JSON.parse(textOf(input)) as PlainMap;

function check({ repositories, mappings }: ReturnType<typeof parseRepositoryMap>, plain: PlainMap): void {
  assert.deepEqual(new Map(repositories), new Map(Object.entries(plain.repositories)));
  const files = new Set([...repositories.keys()].map((name) => fileName(name.toLowerCase())));
  assert.equal(files.size, repositories.size, 'two names meet on a file system');
  for (const name of repositories.keys()) assert.equal(new URL(name, 'https://a.example/b/').pathname, `/b/${name}`);
  assert.deepEqual(
    mappings.map(({ repositories: names, threshold, terminating }) => ({ names, threshold, terminating })),
    plain.mapping.map(({ repositories: names, threshold, terminating = false }) => ({ names, threshold, terminating })),
  );
  for (const [index, { paths, threshold, repositories: names }] of mappings.entries()) {
    assert.equal(paths.length, plain.mapping[index]?.paths.length);
    assert.ok(threshold >= 1 && threshold <= names.length && names.every((name) => repositories.has(name)));
  }
}
