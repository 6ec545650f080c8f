import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ProjectFile,
  type ProjectPage,
  bytesSource,
  negotiateSimpleFormat,
  normalizeName,
  readDistributionMetadata,
  renderProjectHtml,
  renderProjectJson,
} from '../src/index.ts';
import { runTool } from './support/python.ts';

/** Real builders make the distributions; real pip and uv read our pages from a small server. */
let directory: string;
let server: Server;
let address: string;
let files: ProjectFile[];
let forcedFormat: 'html' | undefined;
const contents = new Map<string, Uint8Array>();

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-python-index-'));
  for (const backend of ['hatchling', 'flit_core']) await build(backend);
  files = await Promise.all((await readdir(join(directory, 'dist'))).map(describe));
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const content = contents.get(path.slice(path.lastIndexOf('/') + 1));
    const project = /^\/simple\/([^/]+)\/$/.exec(path)?.[1];
    if (content && path.startsWith('/files/')) response.end(content);
    else if (project === undefined) response.writeHead(404).end();
    else {
      const name = normalizeName(project);
      const page: ProjectPage = {
        name,
        files: files.filter(({ filename }) => filename.startsWith(`${name.replaceAll('-', '_')}-`)),
      };
      const { format, contentType } = negotiateSimpleFormat(forcedFormat ? 'text/html' : request.headers.accept);
      response.writeHead(200, { 'content-type': contentType });
      response.end(format === 'json' ? renderProjectJson(page) : renderProjectHtml(page));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  address = `http://127.0.0.1:${bound.port}/simple/`;
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

/** A tiny project, built to a wheel and an sdist by a real build backend, called as PEP 517 says. */
async function build(backend: string): Promise<void> {
  const name = `Demo-${backend.replace('_', '.')}`;
  const module = name.toLowerCase().replace(/[-.]/g, '_');
  const project = join(directory, backend);
  await mkdir(join(project, module), { recursive: true });
  await mkdir(join(directory, 'dist'), { recursive: true });
  await writeFile(join(project, module, '__init__.py'), `"""Ünïcode"""\n__version__ = "1.0"\n`);
  await writeFile(
    join(project, 'pyproject.toml'),
    `[build-system]\nrequires = ["${backend}"]\nbuild-backend = "${backend === 'hatchling' ? 'hatchling.build' : 'flit_core.buildapi'}"\n` +
      `[project]\nname = "${name}"\nversion = "1.0RC1"\ndescription = "Ünïcode"\nrequires-python = ">=3.8"\n` +
      (backend === 'hatchling' ? 'dependencies = ["demo-flit.core>=1.0rc1"]\n' : '') +
      (backend === 'hatchling' ? '' : `[tool.flit.module]\nname = "${module}"\n`),
  );
  const script = `import sys; sys.path.insert(0, '.'); from ${backend === 'hatchling' ? 'hatchling import build' : 'flit_core import buildapi'} as b; b.build_wheel('../dist'); b.build_sdist('../dist')`;
  await runTool('python', ['-c', script], project);
}

async function describe(filename: string): Promise<ProjectFile> {
  const bytes = await readFile(join(directory, 'dist', filename));
  const { metadata, fields } = await readDistributionMetadata(bytesSource(bytes), filename);
  contents.set(filename, bytes).set(`${filename}.metadata`, metadata);
  const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
  return {
    filename,
    url: `../../files/${sha256(bytes)}/${filename}`,
    sha256: sha256(bytes),
    size: bytes.length,
    uploadTime: new Date('2026-01-01T00:00:00Z'),
    ...(fields.requiresPython !== undefined && { requiresPython: fields.requiresPython }),
    ...(filename.endsWith('.whl') && { coreMetadata: { sha256: sha256(metadata) } }),
  };
}

test('reads the wheels and sdists of real build backends (hatchling, flit)', () => {
  assert.deepEqual(files.map(({ filename }) => filename).sort(), [
    'demo_flit_core-1.0rc1-py3-none-any.whl',
    'demo_flit_core-1.0rc1.tar.gz',
    'demo_hatchling-1.0rc1-py3-none-any.whl',
    'demo_hatchling-1.0rc1.tar.gz',
  ]);
  assert.deepEqual(new Set(files.map(({ requiresPython }) => requiresPython)), new Set(['>=3.8']));
});

for (const format of ['json', 'html'] as const) {
  test(`real pip resolves and downloads with hashes checked from our ${format} pages (P1, A3)`, async () => {
    forcedFormat = format === 'html' ? 'html' : undefined;
    const target = join(directory, `pip-${format}`);
    const printed = await runTool(
      'pip',
      ['download', '-v', '--no-cache-dir', '--pre', '-d', target, '-i', address, 'demo-hatchling'],
      directory,
    );
    assert.deepEqual((await readdir(target)).map((name) => name.slice(0, name.indexOf('-'))).sort(), [
      'demo_flit_core',
      'demo_hatchling',
    ]);
    assert.match(printed, /Obtaining dependency information/, 'pip takes metadata from beside the wheel (PEP 658)');
  });

  test(`real uv resolves from our ${format} pages, with the cool-down that needs upload-time (P1, A3)`, async () => {
    forcedFormat = format === 'html' ? 'html' : undefined;
    // HTML has no upload-time (PEP 700 is JSON only): there the cool-down would hide every file.
    const coolDown = format === 'json' ? ['--exclude-newer', '2026-02-01T00:00:00Z'] : [];
    const args = [
      'pip',
      'install',
      '--dry-run',
      '--no-cache',
      '--prerelease',
      'allow',
      '--default-index',
      address,
      ...coolDown,
    ];
    const printed = await runTool('uv', [...args, '--target', join(directory, 'uv'), 'demo-hatchling'], directory);
    assert.match(printed, /\+ demo-flit-core==1\.0rc1/);
    assert.match(printed, /\+ demo-hatchling==1\.0rc1/);
  });
}
