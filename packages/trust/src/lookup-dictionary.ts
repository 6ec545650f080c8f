const TAGS = [
  'cp36-cp36m-win32',
  'cp37-cp37m-manylinux1_x86_64',
  'cp39-abi3-musllinux_1_2_aarch64',
  'cp38-cp38-musllinux_1_1_x86_64',
  'cp314-cp314t-win_arm64',
  'cp311-cp311-macosx_10_9_universal2',
  'cp39-cp39-macosx_11_0_arm64',
  'cp310-cp310-macosx_10_9_x86_64',
  'cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64',
  'cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64',
  'cp310-cp310-win_amd64',
  'py2.py3-none-any',
];

/** Of the roles of a tree, each digit once. */
const DIGITS = [...'0123456789abcdef'];

function dictionaryText(): string {
  const key = '":{"keytype":"ed25519","keyval":{"public":"\u0001"},"scheme":"ed25519"}';
  const wheel = '-py3-none-any.whl":{"custom":{"core-metadata":{"length":1234,"sha256":"\u0001"},';
  const file = '"upload-time":"2024-01-01T12:34:56.789Z"},"hashes":{"sha256":"\u0001"},"length":';
  return [
    ...TAGS.map((tag) => `-${tag}.whl":{"custom":{"core-metadata":{"length":`),
    '"keytype":"rsa","keyval":{"public":"-----BEGIN PUBLIC KEY-----","scheme":"rsassa-pss-sha256"',
    '"keytype":"ecdsa","scheme":"ecdsa-sha2-nistp256"',
    '"index":"\u0001","name":"rarely-updated.closed","name":"recently-claimed.","name":"claimed.","terminating":false',
    '/*"],"terminating":true,"threshold":1},{"keyids":["\u0001"],"name":"project.',
    `{"signatures":[{"keyid":"\u0001","sig":"\u0001\u0001"}],"signed":{"_type":"targets","delegations":{"keys":{"\u0001${key}},"roles":[{"keyids":["`,
    ...DIGITS.map(
      (digit) =>
        `"],"name":"unclaimed.${digit}","paths":["${digit}*/*/*"],"terminating":true,"threshold":1},{"keyids":["`,
    ),
    '"],"terminating":true,"threshold":1}]},"expires":"2027-01-01T00:00:00Z","spec_version":"1.0.34","targets":{},"version":1}}',
    '{"signatures":[{"keyid":"\u0001","sig":"\u0001\u0001"}],"signed":{"_type":"targets","expires":"2026-01-01T00:00:00Z","spec_version":"1.0.34","targets":{"',
    ...['6', '7', '8', '9', '10'].map(
      (minor) => `.tar.gz":{"custom":{"requires-python":">=3.${minor}","upload-time":"202`,
    ),
    '"yanked":true},"yanked":"',
    `${wheel}${file}12345},"`,
    `${wheel}"requires-python":">=3.9",${file}12345},"`,
    `.tar.gz":{"custom":{"requires-python":">=3.8",${file}12345},"`,
    `.tar.gz":{"custom":{${file}12345}},"version":1}}`,
  ].join('');
}

/**
 * What roles have in common, as they are written: the end of the dictionary of every coded file (docs/formats/lookup.md, "Coded files"),
 * what is likeliest last. It is a part of the format: another text is another coding.
 */
export const LOOKUP_DICTIONARY: Uint8Array = new TextEncoder().encode(dictionaryText());
