import type { JsonValue } from '@holdfast/tuf';
import fc from 'fast-check';

/** What metadata can hold; names and strings include those that trip readers up. */
export const jsonValues: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('__proto__', 'constructor', '10', '9', '', '\u{1f600}', '\ue000', '\uffff', '\u0000\n', 'a"\\'),
  );
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
      text,
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(fc.tuple(text, tie('value')), { maxLength: 6 }).map((entries) => new Map(entries)),
    ),
  };
}).value;
