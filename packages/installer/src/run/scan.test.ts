import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { scanArguments } from './scan-arguments.ts';
import { scanRequirementFiles, scanRequirements } from './scan-requirements.ts';
import { scanLock, scanToml } from './scan-toml.ts';

const brief = (findings: readonly { kind: string; where: string; what: string; value: string }[]) =>
  findings.map(({ kind, where, what, value }) => [kind, where, what, value]);

test('finds the sources that a requirements file names, in every spelling (D2)', () => {
  const text = `# a comment with --index-url https://no.example
-i https://a.example/simple
--index-url=https://user:secret@b.example/simple  # trailing
--extra-index-url \\
    https://c.example/simple
-fhttps://d.example/links
--find-links ./wheels
plain==1.0 ; python_version > "3" --hash=sha256:00
named @ https://e.example/x.whl
compact[extra]@git+https://f.example/r.git@main#egg=x
-e git+ssh://git@g.example/r.git
https://h.example/y-1.tar.gz
-r more.txt
-cconstraints.txt
`;
  const { found, includes } = scanRequirements(text, 'requirements.txt');
  assert.deepEqual(
    found.map(({ kind, where, value }) => [kind, where.replace('requirements.txt line ', ''), value]),
    [
      ['blocked', '2', 'https://a.example/simple'],
      ['blocked', '3', 'https://b.example/simple'],
      ['blocked', '4', 'https://c.example/simple'],
      ['blocked', '6', 'https://d.example/links'],
      ['unverified', '7', './wheels'],
      ['blocked', '9', 'https://e.example/x.whl'],
      ['blocked', '10', 'git+https://f.example/r.git@main#egg=x'],
      ['blocked', '11', 'git+ssh://g.example/r.git'],
      ['blocked', '12', 'https://h.example/y-1.tar.gz'],
    ],
  );
  assert.deepEqual(includes, ['more.txt', 'constraints.txt']);
});

test('follows included requirements files, also when they include each other for ever', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-scan-'));
  try {
    await writeFile(join(directory, 'a.txt'), '-r b.txt\n-r missing.txt\n');
    await writeFile(join(directory, 'b.txt'), '-r a.txt\n-i https://b.example/\n');
    const found = await scanRequirementFiles(['a.txt'], directory);
    assert.deepEqual(brief(found), [['blocked', 'b.txt line 2', '-i', 'https://b.example/']]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('finds the sources among the arguments of pip and uv', () => {
  const args = [
    'install',
    '-ihttps://a.example',
    '--extra-index-url=https://b.example',
    '-r',
    'r.txt',
    '-cc.txt',
    './x-1-py3-none-any.whl',
    'y @ https://u:p@c.example/y.whl',
    'plain',
  ];
  const { findings, requirementFiles } = scanArguments(args, 'pip');
  assert.deepEqual(
    findings.map(({ kind, value }) => [kind, value]),
    [
      ['blocked', 'https://a.example'],
      ['blocked', 'https://b.example'],
      ['unverified', './x-1-py3-none-any.whl'],
      ['blocked', 'https://c.example/y.whl'],
    ],
  );
  assert.deepEqual(requirementFiles, ['r.txt', 'c.txt']);
});

test("recognises pip's --proxy in all its abbreviations, and --isolated", () => {
  for (const args of [['--proxy', 'http://x'], ['--proxy=http://x'], ['--prox', 'http://x'], ['--isolated']])
    assert.equal(scanArguments(['install', ...args, 'demo'], 'pip').findings[0]?.kind, 'unsafe', args.join(' '));
});

test('finds indexes, sources and direct addresses in pyproject.toml, but not home pages', () => {
  const text = `[project]
dependencies = ["a", "b @ https://b.example/b.whl"]
urls = { home = "https://home.example" }
[project.urls]
source = "https://home.example/src"
[[tool.uv.index]]
url = "https://c.example/simple" # [not.a.table]
[tool.uv.sources]
x = { git = "https://d.example/x" }
[[tool.poetry.source]]
url = 'https://e.example/simple'
`;
  assert.deepEqual(
    scanToml(text, 'pyproject.toml').map(({ value }) => value),
    ['https://b.example/b.whl', 'https://c.example/simple', 'https://d.example/x', 'https://e.example/simple'],
  );
});

test('finds proxy settings that uv would prefer over ours, however they are written', () => {
  const spellings: [string, string][] = [
    ['uv.toml', 'no-proxy = ["*"]'],
    ['uv.toml', '"https-proxy" = "x"'],
    ['pyproject.toml', '[tool.uv]\nhttp-proxy = "x"'],
    ['pyproject.toml', '[tool]\nuv = { no-proxy = ["*"] }'],
    ['pyproject.toml', 'tool.uv.http-proxy = "x"'],
  ];
  for (const [name, text] of spellings) assert.equal(scanToml(text, name)[0]?.kind, 'unsafe', text);
  assert.deepEqual(scanToml('# no-proxy = ["*"]\n', 'uv.toml'), []);
});

test('names each host of a lock file once, with a line', () => {
  const text =
    'source = { registry = "https://a.example/simple" }\nurl = "https://files.example/1.whl"\nurl = "https://files.example/2.whl"\n';
  assert.deepEqual(brief(scanLock(text, 'uv.lock')), [
    ['blocked', 'uv.lock line 1', 'addresses on', 'a.example'],
    ['blocked', 'uv.lock line 2', 'addresses on', 'files.example'],
  ]);
});

test('scanning never throws and takes linear time, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      scanRequirements(text, 'r');
      scanToml(text, 'uv.toml');
      scanLock(text, 'uv.lock');
      scanArguments(text.split(' '), 'pip');
    }),
  );
  const start = performance.now();
  for (const text of [
    '"'.repeat(200_000),
    '['.repeat(200_000),
    '@ '.repeat(100_000),
    `-i${' '.repeat(200_000)}`,
    '\\'.repeat(200_000),
  ]) {
    scanRequirements(text, 'r');
    scanToml(`[tool.uv]\n${text}`, 'uv.toml');
  }
  assert.ok(performance.now() - start < 2_000, 'no regular expression runs away');
});
