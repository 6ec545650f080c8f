import type { FuzzTarget } from './target.ts';

/** Targets with known faults, to prove the fuzzer on. Five letters, one condition each: 256^5 possibilities. */
export const fiveLetters: FuzzTarget = {
  seeds: ['.....'],
  dictionary: [],
  stepLimit: () => 1000,
  run([a, b, c, d, e]) {
    if (a === 0x77) {
      if (b === 0x68) {
        if (c === 0x65) {
          if (d === 0x65) {
            if (e === 0x6c) throw new Error('reached');
          }
        }
      }
    }
    return '';
  },
};

/** Counts pairs of equal bytes; nothing wrong but the time. */
export const square: FuzzTarget = {
  seeds: ['abc'],
  dictionary: [],
  maxLength: 64,
  stepLimit: (length) => 1000 + 100 * length,
  run(input) {
    let pairs = 0;
    for (const left of input) for (const right of input) if (left === right) pairs++;
    return String(pairs > 1000);
  },
};
