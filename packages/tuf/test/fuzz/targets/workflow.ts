import assert from 'node:assert/strict';
import { canonicalize, type JsonValue, parseJson, TrustedSet, TufError } from '@holdfast/tuf';
import { type FuzzTarget, textOf } from '../target.ts';
import { DELEGATED_BYTES, REPOSITORY_PIECES, SIGNED, TRUSTED_ROOT } from './workflow-repository.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const known = new Set(SIGNED.map(formOf));
const whole = [...REPOSITORY_PIECES, DELEGATED_BYTES];
const seed = (...pieces: readonly Uint8Array[]): Uint8Array => Buffer.from(pieces.map(textOf).join('\u0000'));

/**
 * The client's verification of a whole repository, whose files are separated by NUL: whatever is changed, nothing is
 * accepted that was not signed, and nothing but a TufError comes out.
 */
export const workflow: FuzzTarget = {
  seeds: [seed(...whole), ...whole.map((_, index) => seed(...whole.with(index, new Uint8Array(0))))],
  dictionary: [
    ...'\u0000 {}[]:,"019',
    '"sig":""',
    '"keyid":""',
    '"version":1',
    '"threshold":1',
    '\\u0061',
    '"signed":',
    '"signatures":[]',
  ],
  maxLength: 8192,
  stepLimit: (length) => 100_000 + 500 * length,
  async run(input) {
    const [root, timestamp, snapshot, targets, delegated] = pieces(input);
    const set = await TrustedSet.create(TRUSTED_ROOT, NOW);
    const steps: readonly (() => Promise<unknown>)[] = [
      async () => root.length === 0 || set.updateRoot(root),
      () => set.updateTimestamp(timestamp),
      () => set.updateSnapshot(snapshot),
      () => set.updateRole(targets, 'targets', 'root'),
      () => set.updateRole(delegated, 'delegated', 'targets'),
    ];
    let accepted = 0;
    let outcome = 'all accepted';
    for (const step of steps) {
      try {
        await step();
        accepted++;
      } catch (error) {
        assert.ok(error instanceof TufError, `a step ended in ${String(error)}`);
        outcome = error.code;
        break;
      }
    }
    for (const { signedBytes } of trusted(set))
      assert.ok(known.has(formOf(parseJson(signedBytes))), 'accepted what nobody signed');
    return `${accepted} ${outcome}`;
  },
};

function pieces(input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const found: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index < 5; index++) {
    const end = input.indexOf(0, start);
    found.push(start > input.length ? new Uint8Array(0) : input.subarray(start, end === -1 ? input.length : end));
    start = end === -1 ? input.length + 1 : end + 1;
  }
  const [a, b, c, d, e] = found;
  assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined && e !== undefined);
  return [a, b, c, d, e];
}

function* trusted(set: TrustedSet): Generator<{ readonly signedBytes: Uint8Array }> {
  yield set.root;
  for (const metadata of [set.timestamp, set.snapshot, set.targets]) if (metadata !== undefined) yield metadata;
  const delegated = set.verifiedRole('delegated', 'targets');
  if (delegated !== undefined) yield delegated.metadata;
}

function formOf(value: JsonValue): string {
  return textOf(canonicalize(value));
}
