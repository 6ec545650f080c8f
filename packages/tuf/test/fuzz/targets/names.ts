import assert from 'node:assert/strict';
import { encodeRoleName, targetUrlPath } from '@holdfast/tuf';
import { fileName } from '../../../src/node/file-store.ts';
import { type FuzzTarget, textOf } from '../target.ts';

const HASH = 'ab'.repeat(32);

/**
 * A role's name is one segment of a URL whatever is in it, as Python quotes it; a target's path keeps its slashes and
 * nothing else; what is stored under a name stays in its directory, and no two names meet.
 */
export const names: FuzzTarget = {
  seeds: [
    'targets',
    '../../etc/passwd',
    'a b%20?#\\',
    'é\u{1f600}',
    "!'()*~",
    'con.json',
    'NUL',
    '.',
    '..',
    'x'.repeat(300),
  ],
  dictionary: [
    ...'/\\.%?#~_-:@&=+ *\u0000\n',
    '..',
    '%2F',
    '%2e',
    'con',
    'nul',
    'com1',
    'lpt9',
    '.json',
    'é',
    '\u{1f600}',
    '\u212a',
  ],
  stepLimit: (length) => 1000 + 40 * length,
  run(input) {
    const name = textOf(input);
    const encoded = encodeRoleName(name);
    assert.equal(encoded, quoted(name));
    assert.equal(decodeURIComponent(encoded), name);
    // Roles are fetched as `<name>.json`: whatever a URL makes of dots happens to none of them.
    assert.equal(new URL(`https://example.org/metadata/1.${encoded}.json`).pathname, `/metadata/1.${encoded}.json`);
    checkTarget(name);
    checkFile(name);
    return `${encoded === name} ${fileName(name) === name}`;
  },
};

/** Python's quote(name, safe=''). */
function quoted(name: string): string {
  return Array.from(Buffer.from(name), (byte) => {
    const unit = String.fromCharCode(byte);
    return /[\w.~-]/.test(unit) ? unit : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function checkTarget(path: string): void {
  const file = { length: 0, hashes: new Map([['sha256', HASH]]) };
  const plain = targetUrlPath(path, file, false);
  assert.deepEqual(plain.split('/').map(decodeURIComponent), path.split('/'));
  assert.doesNotMatch(plain, /[^\w/%.~!'()*-]/);
  const consistent = targetUrlPath(path, file, true);
  assert.equal(consistent.replace(`${HASH}.`, ''), plain);
  assert.equal(consistent.lastIndexOf('/') + 1, consistent.indexOf(HASH));
}

function checkFile(name: string): void {
  const file = fileName(name);
  assert.match(file, /^[a-z0-9_%-][a-z0-9_.%-]*$/, 'a name that some file system cannot keep, or hides');
  assert.ok(file.length <= 255);
  if (!/^%-[0-9a-f]{64}$/.test(file)) assert.equal(decodeURIComponent(file), name);
}
