import assert from 'node:assert/strict';
import { FormatError, isRevocation, type Metadata, parseRotation, type Rotation } from '@holdfast/tuf';
import { type FuzzTarget, labelOf, textOf, words } from '../target.ts';

interface PlainFile {
  readonly signed: {
    readonly _type: string;
    readonly version: number;
    readonly role: string;
    readonly threshold: number;
    readonly keys: Readonly<Record<string, { readonly keytype: string }>>;
  };
}

/** A rotate file (TAP 8, TAP 20) is refused with a FormatError, or says what JSON.parse says. */
export const rotation: FuzzTarget = {
  seeds: [
    '{"signatures":[{"keyid":"a","sig":"00"}],"signed":{"_type":"rotate","keys":{"a":{"keytype":"ed25519","keyval":{"public":"00"},"scheme":"ed25519"},"b":{"keytype":"rsa","keyval":{},"scheme":"x"}},"role":"foo","threshold":2,"version":3}}',
    '{"signatures":[],"signed":{"_type":"rotate","keys":{"null":{"keytype":"null","keyval":{"public":""},"scheme":"null"}},"role":"foo","threshold":1,"version":1,"x":[]}}',
  ],
  dictionary: [
    ...words('"signed":{ "signatures":[] "_type":"rotate" "keys":{} "role":"" "threshold":1 "version":1 "keyval":{}'),
    ...words('"keytype":"null" "scheme":"" "__proto__":{ "public":""'),
    ...'{}[]:,"019',
  ],
  stepLimit: (length) => 20_000 + 200 * length,
  run(input) {
    let file: Metadata<Rotation>;
    try {
      file = parseRotation(input);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      return labelOf(`${error.where.replace(/\[.*\]/s, '[]')} ${error.problem.replace(/.*\s/s, '')}`);
    }
    const { signed } = JSON.parse(textOf(input)) as PlainFile;
    const { type, version, role, threshold, keys } = file.signed;
    assert.deepEqual([type, version, role, threshold], ['rotate', signed.version, signed.role, signed.threshold]);
    assert.deepEqual(new Set(keys.keys()), new Set(Object.keys(signed.keys)));
    const revokes = Object.values(signed.keys).some(({ keytype }) => keytype === 'null');
    assert.equal(isRevocation(file.signed), revokes);
    return `accepted ${revokes}`;
  },
};
