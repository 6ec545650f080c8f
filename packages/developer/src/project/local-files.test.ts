import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FileRefusedError } from '../errors.ts';
import { inTurns } from './in-turns.ts';
import { inspectFile, inspectFiles } from './local-files.ts';
import { uploadBody } from './upload-body.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-local-files-'));
after(() => rm(directory, { recursive: true }));

/** An sdist of one file, padded so that it is read in pieces. */
async function sdist(name: string, version: string, padding = 0): Promise<string> {
  const stem = `${name}-${version}`;
  const entry = (path: string, content: Buffer): Buffer => {
    const header = Buffer.alloc(512);
    header.write(path);
    const fields = ['0000644', '0000000', '0000000', content.length.toString(8).padStart(11, '0'), '0'.repeat(11)];
    header.write(fields.join('\x00'), 100);
    header.write('        0', 148);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  };
  const info = Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nRequires-Python: >=3.9\n`);
  const noise = crypto.getRandomValues(new Uint8Array(Math.min(padding, 65_536)));
  const data = Buffer.concat(Array.from({ length: Math.ceil(padding / 65_536) }, () => Buffer.from(noise)));
  const tar = Buffer.concat([entry(`${stem}/PKG-INFO`, info), entry(`${stem}/data`, data), Buffer.alloc(1024)]);
  const path = join(directory, `${stem}.tar.gz`);
  await writeFile(path, gzipSync(tar, { level: 0 }));
  return path;
}

test('a file is looked into as the index will look into it, whether it fits into memory or not', async () => {
  for (const padding of [0, 5 << 20]) {
    const path = await sdist('demo', `1.${padding}`, padding);
    const file = await inspectFile(path);
    const bytes = await readFile(path);
    assert.deepEqual([file.sha256, file.size], [hash('sha256', bytes, 'hex'), bytes.length]);
    assert.deepEqual([file.requiresPython, file.coreMetadata, file.displayName], ['>=3.9', undefined, 'demo']);
  }
});

test('what no index would take is refused with the file’s name, before anything is sent', async () => {
  await writeFile(join(directory, 'demo-2.0.tar.gz'), 'no archive');
  await assert.rejects(inspectFile(join(directory, 'demo-2.0.tar.gz')), FileRefusedError);
  await assert.rejects(inspectFile(join(directory, 'README.md')), { code: 'FILE_REFUSED' });
  await assert.rejects(inspectFile(join(directory, 'gone-1.0.tar.gz')), { code: 'ENOENT' });
  const [one, other] = [await sdist('demo', '3.0'), await sdist('other', '3.0')];
  await assert.rejects(inspectFiles([one, other]), /one project at a time/);
  assert.equal((await inspectFiles([one, one])).length, 1, 'named twice it is sent once');
});

test('an upload is a form with the file as it was looked into, also when the file has grown since', async () => {
  const path = await sdist('demo', '4.0');
  const file = await inspectFile(path);
  const content = await readFile(path);
  await appendFile(path, 'more');
  const upload = uploadBody(file, 'stage');
  const pieces: Uint8Array[] = [];
  for await (const piece of upload.body) pieces.push(piece);
  const body = Buffer.concat(pieces);
  assert.equal(body.length, upload.length);
  assert.ok(body.includes(content) && body.includes('name="holdfast_stage"\r\n\r\ntrue'));
  assert.ok(!Buffer.concat(await Array.fromAsync(uploadBody(file, 'publish').body)).includes('holdfast_stage'));
  await truncate(path, 10);
  await assert.rejects(Array.fromAsync(uploadBody(file, 'stage').body), /became shorter/);
});

test('tasks run so many at a time, answer in order, and the first failure ends them', async () => {
  let [running, most] = [0, 0];
  const task = async (item: number): Promise<number> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return item * 2;
  };
  assert.deepEqual(await inTurns([1, 2, 3, 4, 5], 2, task), [2, 4, 6, 8, 10]);
  assert.equal(most, 2);
  const begun: number[] = [];
  const failing = inTurns([1, 2, 3, 4, 5, 6], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('two');
  });
  await assert.rejects(failing, /two/);
  assert.deepEqual(begun, [1, 2]);
  assert.deepEqual(await inTurns([], 3, task), []);
});
