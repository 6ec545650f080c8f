import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ConsensusError,
  MultiRepositoryUpdater,
  NetworkError,
  parseRepositoryMap,
  type TargetFile,
  type TargetInfo,
  UnmappedTargetError,
} from '@holdfast/tuf';

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
type Said = TargetFile | 'absent' | 'failed';

interface Mapping {
  readonly matches: boolean;
  readonly repositories: readonly string[];
  readonly threshold: number;
  readonly terminating: boolean;
}

const hash = (algorithm: string): fc.Arbitrary<readonly (readonly [string, string])[]> =>
  fc.constantFrom([], [[algorithm, '11']], [[algorithm, '22']]);

const file: fc.Arbitrary<TargetFile> = fc.record({
  length: fc.constantFrom(5, 5, 5, 6),
  hashes: fc
    .tuple(hash('sha256'), hash('sha512'), hash('md5'))
    .map((some) => new Map(some.flat()))
    .filter((hashes) => hashes.size > 0),
});

const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 4, arbitrary: file },
  { weight: 1, arbitrary: fc.constant<Said>('absent') },
  { weight: 1, arbitrary: fc.constant<Said>('failed') },
);

const mapping: fc.Arbitrary<Mapping> = fc
  .record({
    matches: fc.boolean(),
    repositories: fc.shuffledSubarray([...NAMES], { minLength: 1 }),
    share: fc.nat({ max: 4 }),
    terminating: fc.boolean(),
  })
  .map(({ share, ...rest }) => ({ ...rest, threshold: 1 + (share % rest.repositories.length) }));

/** Every selection of some of the items, those that begin earlier first. */
function selections<T>(items: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = items;
  if (first === undefined) return [[]];
  const without = selections(rest);
  return [...without.map((some) => [first, ...some]), ...without];
}

interface Statement {
  readonly name: string;
  readonly said: Said;
}

function agree({ name, said: one }: Statement, { name: otherName, said: other }: Statement): boolean {
  if (name === otherName) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  const common = [...one.hashes.keys()].filter((algorithm) => other.hashes.has(algorithm));
  const same = common.every((algorithm) => one.hashes.get(algorithm) === other.hashes.get(algorithm));
  return one.length === other.length && same && common.some((algorithm) => algorithm !== 'md5');
}

type Verdict = readonly [number, readonly string[]] | 'absent' | 'refused' | 'unmapped';

/** TAP 4 and decision 5, with everybody asked and every selection tried. */
function verdictOf(mappings: readonly Mapping[], answers: ReadonlyMap<string, Said>): Verdict {
  const asked: Said[] = [];
  for (const [index, { matches, repositories, threshold, terminating }] of mappings.entries()) {
    if (!matches) continue;
    const statements = repositories.map((name): Statement => ({ name, said: answers.get(name) ?? 'absent' }));
    const listed = statements.filter((statement) => typeof statement.said === 'object');
    const groups = selections(listed).filter((group) =>
      group.every((one) => group.every((other) => agree(one, other))),
    );
    // In the order of the list until there are enough: the group that is complete first.
    const enough = groups.filter((group) => group.length === threshold);
    const last = (group: readonly Statement[]): number => repositories.indexOf(group.at(-1)?.name ?? '');
    const [complete] = enough.toSorted((one, other) => last(one) - last(other));
    if (complete !== undefined) return [index, complete.map(({ name }) => name)];
    asked.push(...statements.map((statement) => statement.said));
    const failed = statements.filter((statement) => statement.said === 'failed').length;
    const largest = Math.max(...groups.map((group) => group.length));
    if (terminating || largest + failed >= threshold) break;
  }
  if (asked.length === 0) return 'unmapped';
  return asked.every((statement) => statement === 'absent') ? 'absent' : 'refused';
}

async function verdictOfClient(mappings: readonly Mapping[], answers: ReadonlyMap<string, Said>): Promise<Verdict> {
  const map = {
    repositories: Object.fromEntries(NAMES.map((name) => [name, [`https://${name}.example/`]])),
    mapping: mappings.map(({ matches, ...rest }) => ({ ...rest, paths: [matches ? '*' : 'other'] })),
  };
  const client = new MultiRepositoryUpdater(
    parseRepositoryMap(new TextEncoder().encode(JSON.stringify(map))),
    (name) => ({
      refresh: () => Promise.reject(new NetworkError(name, 'not asked for')),
      async targetInfo(path): Promise<TargetInfo | undefined> {
        const answer = answers.get(name);
        if (answer === 'failed') throw new NetworkError(path, 'down');
        if (answer === undefined || answer === 'absent') return undefined;
        const said = { version: 1, expires: new Date(0), timestampVersion: 1 };
        return { path, file: answer, chain: [], keys: [], urlPath: path, ...said };
      },
    }),
  );
  try {
    const info = await client.targetInfo('x');
    return info === undefined ? 'absent' : [info.mapping, [...info.repositories.keys()]];
  } catch (error) {
    if (error instanceof UnmappedTargetError) return 'unmapped';
    assert.ok(error instanceof ConsensusError, String(error));
    return 'refused';
  }
}

describe('the search in several repositories (TAP 4)', () => {
  it('comes to what asking everybody and trying every selection comes to', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mapping, { maxLength: 4 }),
        fc.tuple(...NAMES.map(() => said)),
        async (mappings, statements) => {
          const answers = new Map(statements.map((statement, index) => [NAMES[index] ?? '', statement]));
          assert.deepEqual(await verdictOfClient(mappings, answers), verdictOf(mappings, answers));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
