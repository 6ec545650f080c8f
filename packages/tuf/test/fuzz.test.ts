import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalize, FormatError, parseJson, PathPattern } from '@holdfast/tuf';
import { readCorpus } from './fuzz/corpus.ts';
import { Coverage } from './fuzz/coverage.ts';
import { Finding, fuzz } from './fuzz/engine.ts';
import { bytesOf, type FuzzTarget, textOf } from './fuzz/target.ts';
import { TARGETS } from './fuzz/targets/index.ts';
import { python } from './python.ts';

const inputsOf = (name: string, target: FuzzTarget): readonly Uint8Array[] => [
  ...target.seeds.map(bytesOf),
  ...readCorpus(name).values(),
];

describe('what fuzzing has found or reached', () => {
  for (const [name, target] of TARGETS) {
    it(`${name}: every input of the corpus keeps the promise, in steps linear in its length`, async () => {
      const coverage = new Coverage((url) => url.includes('/packages/tuf/src/'));
      try {
        for (const input of inputsOf(name, target)) {
          coverage.sample(false);
          await target.run(input);
          const { steps } = coverage.sample(true);
          assert.ok(steps > 0 && steps <= target.stepLimit(input.length), `${steps} steps for ${input.length} bytes`);
        }
      } finally {
        coverage.close();
      }
    });
  }

  it('has the canonical form that securesystemslib gives it', () => {
    const forms: [json: string, canonical: string][] = [];
    for (const name of ['json', 'canonical'] as const) {
      for (const input of inputsOf(name, TARGETS.get(name) ?? assert.fail(name))) {
        try {
          forms.push([textOf(input), Buffer.from(canonicalize(parseJson(input))).toString('hex')]);
        } catch (error) {
          assert.ok(error instanceof FormatError);
        }
      }
    }
    assert.ok(forms.length > 10);
    const program = `
import json, sys
from securesystemslib.formats import encode_canonical
print(json.dumps([encode_canonical(json.loads(text)).encode().hex() for text in json.load(sys.stdin)]))
`;
    const texts = forms.map(([json]) => json);
    assert.deepEqual(
      python(program, texts),
      forms.map(([, canonical]) => canonical),
    );
  });

  it('is matched by patterns as Python matches it', () => {
    const cases = inputsOf('pattern', TARGETS.get('pattern') ?? assert.fail()).map((input) => {
      const [pattern = '', path = ''] = textOf(input).split('\u0000');
      return [pattern, path] as const;
    });
    const program = `
import json, sys
from tuf.api.metadata import DelegatedRole
print(json.dumps([DelegatedRole("r", [], 1, False, [p]).is_delegated_path(t) for p, t in json.load(sys.stdin)]))
`;
    assert.deepEqual(
      python(program, cases),
      cases.map(([pattern, path]) => new PathPattern(pattern).matches(path)),
    );
  });
});

describe('the fuzzer', () => {
  const run = (target: FuzzTarget, batches: number) => {
    const coverage = new Coverage((url) => url.endsWith('fuzz-me.ts'));
    let left = batches;
    return fuzz(target, {
      coverage,
      corpus: [],
      seed: 1,
      until: () => left-- <= 0,
      onBegin: () => undefined,
      onInput: () => undefined,
      onProgress: () => undefined,
    }).finally(() => coverage.close());
  };

  it('finds, led by coverage, what chance would not find in a lifetime', async () => {
    const { fiveLetters } = await import('./fuzz/fuzz-me.ts');
    await assert.rejects(run(fiveLetters, 20_000), (error) => {
      assert.ok(error instanceof Finding);
      return textOf(error.input).startsWith('wheel');
    });
  });

  it('finds time that grows with the square of the input', async () => {
    const { square } = await import('./fuzz/fuzz-me.ts');
    await assert.rejects(run(square, 2000), /steps for \d+ bytes/);
  });
});
