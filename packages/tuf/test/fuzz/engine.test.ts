import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inputsOf } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { Finding, fuzz } from './engine.ts';
import { fiveLetters, square } from './fuzz-me.ts';
import { type FuzzTarget, textOf } from './target.ts';
import { TARGETS } from './targets/index.ts';

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

  for (const [name, target] of TARGETS) {
    it(`sees only steps linear in the length, for every input in the corpus of ${name}`, async () => {
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

  it('finds, led by coverage, what chance would not find in a lifetime', async () => {
    await assert.rejects(run(fiveLetters, 20_000), (error) => {
      assert.ok(error instanceof Finding);
      return textOf(error.input).startsWith('wheel');
    });
  });

  it('finds time that grows with the square of the input', async () => {
    await assert.rejects(run(square, 2000), /steps for \d+ bytes/);
  });
});
