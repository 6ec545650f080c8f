import { describe, it } from 'node:test';
import { inputsOf } from './fuzz/corpus.ts';
import { TARGETS } from './fuzz/targets/index.ts';

describe('what fuzzing has found or reached', () => {
  for (const [name, target] of TARGETS) {
    it(`${name}: every input of the corpus keeps the promise`, async () => {
      for (const input of inputsOf(name, target)) await target.run(input);
    });
  }
});
