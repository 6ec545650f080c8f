import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { brotliCompressSync, constants, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import { StaticMirror } from '../../test/static-mirror.ts';
import { MisbehavedError, UnreachableError } from '../errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Mirror } from './mirror.ts';
import { Mirrors } from './mirrors.ts';

const limits = { ...DEFAULT_LIMITS, retries: 0 };
const path = 'metadata/a.json';
const text = JSON.stringify(Array.from({ length: 3_000 }, (_, at) => (at * 7_919) % 1_009));
const codings: ReadonlyMap<string, (body: Uint8Array | string) => Buffer> = new Map([
  ['zstd', (body) => zstdCompressSync(body)],
  ['br', (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
  ['gzip', (body) => gzipSync(body)],
]);
let server: StaticMirror;
let mirror: Mirror;

beforeEach(async () => {
  server = await StaticMirror.start(new Map());
  mirror = await Mirror.open(server.url, limits, {});
});
afterEach(async () => {
  mirror.close();
  await server.close();
});

const read = (maxLength = text.length): Promise<Uint8Array> => mirror.read(path, { maxLength });
const answer = (coding: string, body: Uint8Array, headers: Record<string, string> = {}): void => {
  server.intercept = (_, response) => {
    response.writeHead(200, { 'content-encoding': coding, ...headers }).end(body);
    return true;
  };
};
const misbehaved = (reason: RegExp) => (error: unknown) =>
  error instanceof MisbehavedError && reason.test(error.reason);

test('metadata is asked for in all codings that can be read', async () => {
  let asked: string | undefined;
  server.intercept = (request, response) => {
    asked = request.headers['accept-encoding'];
    response.end('{}');
    return true;
  };
  await read();
  assert.equal(asked, [...codings.keys()].join(', '));
});

for (const [coding, encode] of codings) {
  test(`${coding}: a body is decoded, up to exactly what is allowed (P16)`, async () => {
    answer(coding, encode(text));
    assert.equal(Buffer.from(await read()).toString(), text);
    await assert.rejects(read(text.length - 1), misbehaved(/longer than the \d+ bytes/));
    // What cannot be compressed becomes longer.
    answer(coding, encode('x'));
    assert.equal(Buffer.from(await read(1)).toString(), 'x');
  });

  test(`${coding}: a small body that decodes to a huge one is stopped at what is allowed (P20 endless data)`, async () => {
    answer(coding, encode(Buffer.alloc(1 << 27)));
    const before = process.memoryUsage.rss();
    await assert.rejects(read(1_000_000), misbehaved(/longer than the 1000000 bytes/));
    assert.ok(process.memoryUsage.rss() - before < 64 << 20);
  });

  test(`${coding}: a body that is cut off, damaged or followed by something is refused`, async () => {
    const body = encode(text);
    answer(coding, body.subarray(0, -9));
    await assert.rejects(read(), misbehaved(/damaged/));
    answer(coding, Buffer.from(body).fill(0xff, 20, 40));
    await assert.rejects(read(), misbehaved(/damaged/));
    answer(coding, new Uint8Array());
    await assert.rejects(read(), misbehaved(/damaged/));
    for (const more of ['\0\0\0\0\0\0\0\0\0', 'and more']) {
      answer(coding, Buffer.concat([body, Buffer.from(more)]));
      await assert.rejects(read(), misbehaved(/damaged|something follows/));
    }
  });

  test(`${coding}: a transfer that breaks off is one, not a damaged body`, async () => {
    const body = encode(text);
    server.intercept = (_, response) => {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length });
      response.write(body.subarray(0, -9), () => response.destroy());
      return true;
    };
    await assert.rejects(read(), UnreachableError);
  });

  test(`${coding}: a mirror that sends bombs is passed over for the next one`, async (t) => {
    answer(coding, encode(Buffer.alloc(1 << 24)));
    const honest = await StaticMirror.start(new Map([[path, Buffer.from('{}')]]));
    const mirrors = await Mirrors.open([server.url, honest.url], {}, limits);
    t.after(() => (mirrors.close(), honest.close()));
    assert.equal(Buffer.from(await mirrors.first((one) => one.read(path, { maxLength: 99 }))).toString(), '{}');
  });
}

test('a coding that was not asked for, and two on top of each other, are refused', async () => {
  for (const coding of ['deflate', 'dcz', 'compress', 'gzip, zstd', 'gzip, gzip', 'identity, gzip']) {
    answer(coding, gzipSync(gzipSync('{}')));
    await assert.rejects(read(), misbehaved(new RegExp(`encoded as "${coding}"`)), coding);
  }
});

test('a zstd frame that wants a larger window than the coding has is refused (RFC 9659)', async () => {
  const frame = async (windowLog: number): Promise<Buffer> => {
    const encoder = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
    encoder.write(text);
    // What is flushed before the end has no known length, and so the window that was asked for.
    encoder.flush(() => encoder.end());
    return Buffer.concat(await encoder.toArray());
  };
  answer('zstd', await frame(23));
  assert.equal(Buffer.from(await read()).toString(), text);
  answer('zstd', await frame(24));
  await assert.rejects(read(), misbehaved(/damaged/));
});

const old = Buffer.from(text.slice(0, -40));

/** As RFC 9842 §5 lays it out. */
const dcz = (dictionary: Uint8Array, body: Uint8Array | string): Buffer =>
  Buffer.concat([
    Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 0x20, 0, 0, 0]),
    createHash('sha256').update(dictionary).digest(),
    zstdCompressSync(body, { dictionary }),
  ]);

const readWith = (dictionary: Uint8Array, maxLength = text.length): Promise<Uint8Array> =>
  mirror.read(path, { maxLength, dictionary });

test('an older version is offered, and what comes against it is decoded, up to exactly what is allowed (RFC 9842)', async () => {
  const body = dcz(old, text);
  assert.ok(body.length < 200);
  server.intercept = (request, response) => {
    assert.equal(request.headers['accept-encoding'], 'dcz, zstd, br, gzip');
    const digest = createHash('sha256').update(old).digest('base64');
    assert.equal(request.headers['available-dictionary'], `:${digest}:`);
    // A header may come in pieces.
    response.writeHead(200, { 'content-encoding': 'dcz' }).write(body.subarray(0, 11), () => {
      response.end(body.subarray(11));
    });
    return true;
  };
  assert.equal(Buffer.from(await readWith(old)).toString(), text);
  await assert.rejects(readWith(old, text.length - 1), misbehaved(/longer than/));
});

test('what was made with another dictionary, is cut or damaged, or a bomb, is refused (RFC 9842, P20)', async () => {
  answer('dcz', dcz(Buffer.from(text), text));
  await assert.rejects(readWith(old), misbehaved(/another dictionary/));
  for (const end of [0, 7, 40, 50]) {
    answer('dcz', dcz(old, text).subarray(0, end));
    await assert.rejects(readWith(old), misbehaved(/damaged/));
  }
  answer('dcz', Buffer.concat([dcz(old, text), Buffer.from('more')]));
  await assert.rejects(readWith(old), misbehaved(/something follows/));
  answer('dcz', dcz(old, Buffer.alloc(1 << 26)));
  await assert.rejects(readWith(old, 1_000_000), misbehaved(/longer than/));
});
