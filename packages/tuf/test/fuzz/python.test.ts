import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalize, FormatError, parseJson, PathPattern } from '@holdfast/tuf';
import { python } from '../python.ts';
import { textsOf } from '../texts.ts';
import { inputsOf } from './corpus.ts';
import { slowMatch } from './reference/pattern.ts';
import { textOf } from './target.ts';
import { TARGETS } from './targets/index.ts';

const corpus = (name: string): readonly Uint8Array[] => inputsOf(name, TARGETS.get(name) ?? assert.fail(name));

const MATCH = `
import json, sys
from tuf.api.metadata import DelegatedRole
print(json.dumps([DelegatedRole("r", [], 1, False, [p]).is_delegated_path(t) for p, t in json.load(sys.stdin)]))
`;

describe('the corpus of the fuzzer', () => {
  it('has the canonical form that securesystemslib gives it', () => {
    const forms: [json: string, canonical: string][] = [];
    for (const name of ['json', 'canonical'] as const) {
      for (const input of corpus(name)) {
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
    const cases = corpus('pattern').map((input) => {
      const [pattern = '', path = ''] = textOf(input).split('\u0000');
      return [pattern, path] as const;
    });
    assert.deepEqual(
      python(MATCH, cases),
      cases.map(([pattern, path]) => new PathPattern(pattern).matches(path)),
    );
  });
});

describe('the second opinion on patterns', () => {
  it('is that of Python, for every class of up to four of the characters that mean something in one, also after an empty range', () => {
    const characters = [' ', '!', '-', ']', 'a', 'c'];
    const contents = [
      ...textsOf(characters, 4),
      ...textsOf(characters, 3).flatMap((text) => [`c-a${text}`, `c-a!-${text}`]),
    ];
    const cases = contents.flatMap((text) => [...characters, 'b'].map((path) => [`[${text}]`, path] as const));
    assert.deepEqual(
      cases.map(([pattern, path]) => slowMatch(pattern, path)),
      python(MATCH, cases),
    );
  });
});
