import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ProjectFile,
  type ProjectPage,
  negotiateSimpleFormat,
  normalizeName,
  renderProjectHtml,
  renderProjectJson,
  renderRootHtml,
  renderRootJson,
} from '../index.ts';
import { escapeHtml } from './escape-html.ts';

const file = (filename: string, more: Partial<ProjectFile> = {}): ProjectFile => ({
  filename,
  url: `../../files/aa/demo/00/${filename}`,
  sha256: 'ab'.repeat(32),
  size: 1234,
  uploadTime: new Date('2026-01-02T03:04:05.678Z'),
  ...more,
});
const page = (files: readonly ProjectFile[], more: Partial<ProjectPage> = {}): ProjectPage => ({
  name: normalizeName('demo'),
  files,
  ...more,
});
const plain = file('demo-1.0.tar.gz');

test('writes every PEP 691 and 700 key, and leaves out what is absent instead of null: uv refuses a null (A3)', () => {
  const rich = { requiresPython: '>=3.8', yanked: 'broken', coreMetadata: { sha256: 'cd'.repeat(32) } };
  const text = renderProjectJson(page([plain, file('demo-1.0-py3-none-any.whl', rich)]));
  assert.ok(!text.includes('null'));
  assert.deepEqual(JSON.parse(text), {
    meta: { 'api-version': '1.4' },
    name: 'demo',
    versions: ['1.0'],
    files: [
      {
        filename: 'demo-1.0.tar.gz',
        url: '../../files/aa/demo/00/demo-1.0.tar.gz',
        hashes: { sha256: 'ab'.repeat(32) },
        size: 1234,
        'upload-time': '2026-01-02T03:04:05.678000Z',
        yanked: false,
      },
      {
        filename: 'demo-1.0-py3-none-any.whl',
        url: '../../files/aa/demo/00/demo-1.0-py3-none-any.whl',
        hashes: { sha256: 'ab'.repeat(32) },
        size: 1234,
        'upload-time': '2026-01-02T03:04:05.678000Z',
        'requires-python': '>=3.8',
        yanked: 'broken',
        'core-metadata': { sha256: 'cd'.repeat(32) },
      },
    ],
  });
});

test('JSON never has dist-info-metadata, on which pip 22.3 to 23.0 fail, nor any hash but SHA-256 (A3, PEP 714)', () => {
  const text = renderProjectJson(page([file('demo-1.0-py3-none-any.whl', { coreMetadata: { sha256: 'cd' } })]));
  assert.ok(!text.includes('dist-info-metadata'));
  assert.equal(text.match(/"hashes":\{"sha256":"[^"]*"\}/g)?.length, 1);
});

test('lists versions normalized, each once, in the order of PEP 440 (PEP 700)', () => {
  const names = ['demo-1.10.tar.gz', 'demo-1.9-py3-none-any.whl', 'demo-1.9.tar.gz', 'demo-1.9.RC1-py3-none-any.whl'];
  const { versions } = JSON.parse(renderProjectJson(page(names.map((name) => file(name))))) as { versions: unknown };
  assert.deepEqual(versions, ['1.9rc1', '1.9', '1.10']);
});

test('writes the project status as an object at the top level, not in meta (A1, PEP 792)', () => {
  const archived = page([plain], {
    status: { status: 'archived', reason: 'moved' },
    meta: new Map([['_last-serial', 7]]),
  });
  const json = JSON.parse(renderProjectJson(archived)) as Record<string, unknown>;
  assert.deepEqual(json['project-status'], { status: 'archived', reason: 'moved' });
  assert.deepEqual(json['meta'], { '_last-serial': 7, 'api-version': '1.4' });
  const html = renderProjectHtml(archived);
  assert.match(html, /<meta name="pypi:project-status" content="archived">/);
  assert.match(html, /<meta name="pypi:project-status-reason" content="moved">/);
  assert.match(html, /<\/html>\n<!--SERIAL 7-->\n$/);
});

test('offers no file of a quarantined project (A1, PEP 792)', () => {
  const quarantined = page([plain], { status: { status: 'quarantined' } });
  const json = JSON.parse(renderProjectJson(quarantined)) as Record<string, unknown>;
  assert.deepEqual([json['files'], json['versions']], [[], []]);
  assert.ok(!renderProjectHtml(quarantined).includes('<a '));
});

test('a file yanked without a reason is true in JSON and an empty attribute in HTML (PEP 592)', () => {
  for (const yanked of [true, ''] as const) {
    assert.match(renderProjectJson(page([file('demo-1.0.tar.gz', { yanked })])), /"yanked":true/);
    assert.match(renderProjectHtml(page([file('demo-1.0.tar.gz', { yanked })])), / data-yanked=""/);
  }
});

test("keeps PyPI's layout of HTML pages: attribute order, both metadata attributes, one anchor a line (A3, PEP 833)", () => {
  const rich = { requiresPython: '>=3.8,<4', yanked: 'a "b"', coreMetadata: { sha256: 'cd' } };
  assert.equal(
    renderProjectHtml(page([file('demo-1.0-py3-none-any.whl', rich)])),
    `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta name="pypi:repository-version" content="1.4">
    <title>Links for demo</title>
  </head>
  <body>
    <h1>Links for demo</h1>
    <a href="../../files/aa/demo/00/demo-1.0-py3-none-any.whl#sha256=${'ab'.repeat(32)}" data-requires-python="&gt;=3.8,&lt;4" data-yanked="a &quot;b&quot;" data-dist-info-metadata="sha256=cd" data-core-metadata="sha256=cd">demo-1.0-py3-none-any.whl</a><br />
  </body>
</html>
`,
  );
});

test('an anchor is found by the regular expression that hatch scans pages with (A3)', () => {
  const names = Array.from(renderProjectHtml(page([plain])).matchAll(/<a [^>]+>([^<]+)<\/a>/g), (match) => match[1]);
  assert.deepEqual(names, ['demo-1.0.tar.gz']);
});

test('renders the root page with the serials that bandersnatch polls, and with relative normalized addresses (A7)', () => {
  assert.deepEqual(JSON.parse(renderRootJson(['a', { name: 'B.c', lastSerial: 3 }], 5)), {
    meta: { '_last-serial': 5, 'api-version': '1.4' },
    projects: [{ name: 'a' }, { '_last-serial': 3, name: 'B.c' }],
  });
  assert.match(renderRootHtml(['a', { name: 'B.c', lastSerial: 3 }]), / {4}<a href="b-c\/">B\.c<\/a>/);
});

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const HTML_TYPE = 'application/vnd.pypi.simple.v1+html';
const negotiations: [string, string | undefined, string][] = [
  ['pip', `${JSON_TYPE}, ${HTML_TYPE}; q=0.1, text/html; q=0.01`, JSON_TYPE],
  ['uv', `${JSON_TYPE}, ${HTML_TYPE};q=0.2, text/html;q=0.01`, JSON_TYPE],
  ['poetry', `${JSON_TYPE}, */*;q=0.1`, JSON_TYPE],
  ['bandersnatch', JSON_TYPE, JSON_TYPE],
  ['hatch', '*/*', 'text/html; charset=utf-8'],
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=utf-8'],
  ['no header', undefined, 'text/html; charset=utf-8'],
  ['"latest", with the concrete type', 'application/vnd.pypi.simple.latest+json', JSON_TYPE],
  ['equal quality, with HTML', `${JSON_TYPE}, text/html`, 'text/html; charset=utf-8'],
  ['nothing acceptable, without 406', 'image/png', 'text/html; charset=utf-8'],
  ['v1+html', HTML_TYPE, HTML_TYPE],
  ['a type refused with q=0', `${JSON_TYPE};q=0, ${HTML_TYPE}`, HTML_TYPE],
  ['application/*', 'application/*', HTML_TYPE],
  ['a broken quality', `${JSON_TYPE};q=9`, 'text/html; charset=utf-8'],
  ['a header without end', `${JSON_TYPE},`.repeat(1000), 'text/html; charset=utf-8'],
];
for (const [who, accept, contentType] of negotiations)
  test(`answers ${who} in the format that it asks for (A3, PEP 691)`, () => {
    assert.equal(negotiateSimpleFormat(accept).contentType, contentType);
  });

test('negotiation of any header is an offered type', () => {
  const part = fc.constantFrom(',', ';', 'q=', '0.5', '*/*', 'text/*', JSON_TYPE, HTML_TYPE, ' ', 'x');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      assert.match(
        negotiateSimpleFormat(parts.join('')).contentType,
        /^(text\/html; charset=utf-8|application\/vnd\.pypi\.simple\.v1\+(html|json))$/,
      );
    }),
  );
});

test('escaped text is ASCII, cannot leave an attribute or element, and reads back as it was', () => {
  const read = (text: string): string =>
    text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string | undefined) =>
      code === undefined
        ? ({ amp: '&', lt: '<', gt: '>', quot: '"' }[name ?? ''] ?? '?')
        : String.fromCodePoint(Number(code)),
    );
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.oneof(
          fc.constantFrom(...'&<>"\'\t\n aé😀', '\u2028'),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        ),
      }),
      (text) => {
        const escaped = escapeHtml(text);
        assert.match(escaped, /^[ !#-%(-;=?-~&]*$/);
        if (text.isWellFormed() && !/[\p{Cc}\p{Cn}]/u.test(text.replace(/[\t\n]/g, '')))
          assert.equal(read(escaped), text);
      },
    ),
  );
  for (const bad of ['\0', '\ud800', '\ufffe', '\u0080', '\u{1fffe}', '\ufdd0', '\r'])
    assert.equal(escapeHtml(bad), '&#65533;', bad);
});

test('a hostile reason or requirement stays inside its attribute', () => {
  const hostile = '"><script>alert(1)</script>';
  const html = renderProjectHtml(page([file('demo-1.0.tar.gz', { yanked: hostile, requiresPython: hostile })]));
  assert.ok(!html.includes('<script'));
  const json = JSON.parse(renderProjectJson(page([file('demo-1.0.tar.gz', { yanked: hostile })]))) as {
    files: { yanked: string }[];
  };
  assert.equal(json.files[0]?.yanked, hostile);
});
