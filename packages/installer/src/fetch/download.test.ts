import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { StaticMirror } from '../../test/static-mirror.ts';
import { MisbehavedError, TooSlowError, UnreachableError, WrongContentError } from '../errors.ts';
import { downloadVerified } from './download.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Mirror } from './mirror.ts';

const content = Buffer.alloc(300_000, 'holdfast ');
const expected = { subject: 'f', size: content.length, sha256: hash('sha256', content, 'hex') };
let directory: string;
let server: StaticMirror;
let mirror: Mirror;
let file: FileHandle;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-download-'));
  file = await open(join(directory, 'f'), 'w+');
  server = await StaticMirror.start(new Map([['f', content]]));
  mirror = await Mirror.open(server.url, { ...DEFAULT_LIMITS, idleMs: 300, retries: 0 }, {});
});
afterEach(async () => {
  mirror.close();
  await file.close();
  await server.close();
  await rm(directory, { recursive: true });
});

const download = (): Promise<void> => downloadVerified(mirror, 'f', expected, file);
const stored = async (): Promise<Buffer> => {
  const bytes = Buffer.alloc(content.length + 1);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
};

/** Breaks the connection after some bytes of each answer; honours Range when told to. */
function breakAfter(length: number, ranges: boolean, times = Number.POSITIVE_INFINITY): string[] {
  const asked: string[] = [];
  server.intercept = (request, response) => {
    asked.push(request.headers.range ?? '');
    const start = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const rest = content.subarray(start);
    const headers = { 'content-length': rest.length };
    if (start > 0)
      response.writeHead(206, {
        ...headers,
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      });
    else response.writeHead(200, headers);
    if (asked.length > times) response.end(rest);
    else response.write(rest.subarray(0, length), () => response.destroy());
    return true;
  };
  return asked;
}

test('resumes a transfer that breaks off, from where it was, and verifies the whole', async () => {
  const asked = breakAfter(100_000, true);
  await download();
  assert.deepEqual(await stored(), content);
  // How much of a broken answer arrives is the network's choice; that each answer is a continuation is ours.
  assert.equal(asked[0], '');
  const offsets = asked.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
  assert.ok(offsets.length >= 1 && offsets.every((offset, at) => offset > (offsets[at - 1] ?? 0)), asked.join());
});

test('starts again when the server does not resume', async () => {
  breakAfter(100_000, false, 1);
  await download();
  assert.deepEqual(await stored(), content);
});

test('gives up when nothing more comes, and when it breaks too often', async () => {
  breakAfter(0, true);
  await assert.rejects(download(), UnreachableError);
  assert.equal(breakAfter(1_000, true).length, 0);
  await assert.rejects(download(), UnreachableError);
});

test('gives up what drips after one window, and does not buy it new tries (P20 slow retrieval)', async () => {
  mirror.close();
  mirror = await Mirror.open(server.url, { ...DEFAULT_LIMITS, rateWindowMs: 200, retries: 0 }, {});
  server.intercept = (_, response) => {
    const dripping = setInterval(() => response.write('h'), 20);
    response.once('close', () => clearInterval(dripping));
    return true;
  };
  await assert.rejects(download(), TooSlowError);
  assert.equal(server.asked.length, 1);
});

test('gives up a mirror that breaks off after a few bytes, again and again (P20 slow retrieval)', async () => {
  server.intercept = (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { 'content-range': range } : {});
    response.write(content.subarray(start, start + 10));
    setTimeout(() => response.destroy(), 50);
    return true;
  };
  await assert.rejects(download(), UnreachableError);
  assert.equal(server.asked.length, 3);
});

test('refuses other bytes of the right length, and does not ask for them again', async () => {
  server.intercept = (_, response) => (response.end(Buffer.alloc(content.length)), true);
  await assert.rejects(download(), (error) => error instanceof WrongContentError && error.what === 'sha256');
  assert.equal(server.asked.length, 1);
});

test('refuses another announced length at once, and stops where the signed length ends (P20 endless data)', async () => {
  server.intercept = (_, response) => (response.end(content.subarray(1)), true);
  await assert.rejects(download(), (error) => error instanceof WrongContentError && error.what === 'length');
  server.intercept = (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(content));
      response.once('drain', more);
    };
    more();
    return true;
  };
  await assert.rejects(download(), (error) => error instanceof WrongContentError && error.what === 'length');
});

test('refuses a body that ends early without being broken', async () => {
  server.intercept = (_, response) => {
    response.write(content.subarray(0, 1000));
    response.end();
    return true;
  };
  await assert.rejects(download(), (error) => error instanceof WrongContentError && error.what === 'length');
});

test('refuses a content encoding and another range than the one asked for', async () => {
  server.intercept = (_, response) => (response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'), true);
  await assert.rejects(download(), MisbehavedError);
  server.intercept = (_, response) => (response.writeHead(206, { 'content-range': 'bytes 5-9/300000' }).end('x'), true);
  await assert.rejects(download(), MisbehavedError);
});
