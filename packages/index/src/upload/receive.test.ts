import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { HttpError } from '../http/http-error.ts';
import { DEFAULT_UPLOAD_LIMITS, type UploadLimits } from './limits.ts';
import { Spool } from './spool.ts';
import { type Admission, type ReceivedForm, receiveForm } from './receive.ts';

let directory: string;
let count = 0;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-receive-'));
});
after(() => rm(directory, { recursive: true }));

type Part = { readonly name: string; readonly value: string | Uint8Array; readonly filename?: string };

function encode(parts: readonly Part[], { boundary = 'XX', close = true } = {}): Buffer {
  const chunks: Uint8Array[] = [];
  for (const { name, value, filename } of parts) {
    const suffix = filename === undefined ? '' : `; filename="${filename}"`;
    chunks.push(Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${suffix}\r\n\r\n`));
    chunks.push(typeof value === 'string' ? Buffer.from(value) : value, Buffer.from('\r\n'));
  }
  if (close) chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(chunks);
}

const admitting = (bytes: number) => async (): Promise<Admission> => ({ bytes, exceeded: () => new Error('exceeded') });

interface Attempt {
  readonly spool: Spool;
  readonly form: Promise<ReceivedForm>;
}

function newSpool(): Spool {
  return new Spool(async () => {
    count += 1;
    const path = join(directory, `file-${count}`);
    return { path, discard: () => rm(path, { force: true }) };
  });
}

function receive(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  limits: Partial<UploadLimits> = {},
  { admit = admitting(Number.MAX_SAFE_INTEGER), signal = new AbortController().signal, type = '' } = {},
): Attempt {
  const contentType = type === '' ? 'multipart/form-data; boundary=XX' : type;
  const source = Object.assign(Readable.from(chunks), { headers: { 'content-type': contentType } });
  const spool = newSpool();
  return {
    spool,
    form: receiveForm(source, { spool, limits: { ...DEFAULT_UPLOAD_LIMITS, ...limits }, admit, signal }),
  };
}

const withCode = (code: string) => (error: unknown) => error instanceof HttpError && error.problem.code === code;

test('fields before and after the file, repeated names and the file itself arrive however the bytes are cut', async () => {
  const content = randomBytes(3000);
  const body = encode([
    { name: ':action', value: 'file_upload' },
    { name: 'classifiers', value: 'A' },
    { name: 'classifiers', value: 'B' },
    { name: 'content', value: content, filename: 'demo-1.0.tar.gz' },
    { name: 'attestations', value: '[]' },
    { name: '__proto__', value: 'kept' },
  ]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 9 }), async (sizes) => {
      const chunks: Buffer[] = [];
      for (let at = 0, i = 0; at < body.length; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        chunks.push(body.subarray(at, at + size));
        at += size;
      }
      const { spool, form } = receive(chunks);
      const { fields, file } = await form;
      assert.deepEqual(fields.get('classifiers'), ['A', 'B']);
      assert.deepEqual(fields.get('attestations'), ['[]']);
      assert.deepEqual(fields.get('__proto__'), ['kept']);
      const sha256 = createHash('sha256').update(content).digest('hex');
      assert.deepEqual(file, { filename: 'demo-1.0.tar.gz', content: spool, sha256 });
      assert.ok(content.equals(await spool.read(0, 3000)));
    }),
    { numRuns: 25 },
  );
});

test('an empty file, and a form without a file, are told apart', async () => {
  const empty = await receive([encode([{ name: 'content', value: '', filename: 'a.whl' }])]).form;
  assert.equal(empty.file?.content.size, 0);
  const none = await receive([encode([{ name: 'name', value: 'demo' }])]).form;
  assert.equal(none.file, undefined);
});

test('a file larger than what admission allows is refused while it arrives, not after', async () => {
  let sent = 0;
  function* endless(): Generator<Uint8Array> {
    yield encode([{ name: 'content', value: '', filename: 'a.whl' }], { close: false }).subarray(0, -2);
    for (;;) {
      sent += 1000;
      yield Buffer.alloc(1000);
    }
  }
  const { form } = receive(endless(), {}, { admit: admitting(50_000) });
  await assert.rejects(form, { message: 'exceeded' });
  assert.ok(sent < 250_000, `refused after ${sent} bytes`);
});

test('endless bytes before the first part, or in a part that is ignored, end at the limit', async () => {
  const limits = { fileBytes: 10_000, formBytes: 10_000 };
  function* endless(head: Uint8Array): Generator<Uint8Array> {
    yield head;
    for (;;) yield Buffer.alloc(1000, 'a');
  }
  const signature = encode([{ name: 'gpg_signature', value: '', filename: 'a.asc' }], { close: false }).subarray(0, -2);
  const header = Buffer.from('--XX\r\nX-Bomb: ');
  for (const head of [Buffer.from('preamble'), signature, header]) {
    await assert.rejects(receive(endless(head), limits).form, withCode('TOO_LARGE'));
  }
});

test('too many fields, a field too long, and fields too long together are refused', async () => {
  const fields = (count: number, length: number): Uint8Array[] => [
    encode(Array.from({ length: count }, () => ({ name: 'f', value: 'x'.repeat(length) }))),
  ];
  await assert.rejects(receive(fields(11, 1), { fields: 10 }).form, withCode('TOO_MANY_FIELDS'));
  await assert.rejects(receive(fields(1, 1001), { fieldBytes: 1000 }).form, withCode('TOO_LARGE'));
  await assert.rejects(receive(fields(30, 900), { formBytes: 20_000 }).form, withCode('TOO_LARGE'));
});

test('two files in one form are refused', async () => {
  const part = { name: 'content', value: 'x', filename: 'a.whl' };
  await assert.rejects(receive([encode([part, part])]).form, withCode('MALFORMED_UPLOAD'));
});

test('a form that ends too early is refused wherever it is cut, and the file is closed', async () => {
  const body = encode([
    { name: 'name', value: 'demo' },
    { name: 'content', value: 'x'.repeat(100), filename: 'a.whl' },
    { name: 'gpg_signature', value: 'y'.repeat(50), filename: 'a.asc' },
    { name: 'late', value: 'field' },
  ]);
  for (let length = 0; length < body.length - 4; length += 1) {
    await assert.rejects(receive([body.subarray(0, length)]).form, withCode('MALFORMED_UPLOAD'), `cut at ${length}`);
  }
});

test('what is not a multipart form with a boundary is refused at once', async () => {
  for (const type of ['application/json', 'multipart/form-data', 'application/x-www-form-urlencoded', 'x']) {
    await assert.rejects(receive([encode([])], {}, { type }).form, withCode('MALFORMED_UPLOAD'), type);
  }
});

test('random bytes never hang or crash the receiver', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(
      '--XX',
      '\r\n',
      '--XX--',
      'Content-Disposition: form-data; name="content"; filename="a"',
      '\r\n\r\n',
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
      const chunks = pieces.map((value) => Buffer.from(value)).filter((chunk) => chunk.length > 0);
      await receive(chunks, { idleMs: 2000 }).form.catch((error: unknown) => assert.ok(error instanceof HttpError));
    }),
    { numRuns: 200 },
  );
});

test('silence ends an upload, and so does a trickle', async () => {
  async function* silent(): AsyncGenerator<Uint8Array> {
    yield encode([{ name: 'content', value: 'x', filename: 'a.whl' }], { close: false });
    await new Promise(() => {});
  }
  const slow = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'TOO_SLOW';
  const { form } = receive(silent(), { idleMs: 40 });
  await assert.rejects(form, slow);

  async function* trickle(): AsyncGenerator<Uint8Array> {
    for (;;) yield await new Promise<Uint8Array>((resolve) => setTimeout(resolve, 5, Buffer.alloc(1)));
  }
  await assert.rejects(receive(trickle(), { idleMs: 40, graceMs: 60 }).form, slow);
});

test('a refusal by admission, and a disk that fails, reach the caller', async () => {
  const body = [encode([{ name: 'content', value: 'x'.repeat(300_000), filename: 'a.whl' }])];
  const refusal = new Error('refused');
  const admit = async (): Promise<never> => Promise.reject(refusal);
  await assert.rejects(receive(body, {}, { admit }).form, refusal);

  const source = Object.assign(Readable.from(body), {
    headers: { 'content-type': 'multipart/form-data; boundary=XX' },
  });
  const failure = new Error('no space');
  const spool = new Spool(async () => Promise.reject(failure));
  const options = { limits: DEFAULT_UPLOAD_LIMITS, admit: admitting(1e6), signal: new AbortController().signal };
  await assert.rejects(receiveForm(source, { ...options, spool }), failure);
});

test('a disk slower than the network does not make a complete upload look broken off', async () => {
  const source = Object.assign(
    Readable.from([encode([{ name: 'content', value: 'x'.repeat(300_000), filename: 'a.whl' }])]),
    {
      headers: { 'content-type': 'multipart/form-data; boundary=XX' },
    },
  );
  const closed = new Promise((resolve) => source.once('close', resolve));
  const path = join(directory, 'slow');
  const spool = new Spool(async () => {
    await closed;
    return { path, discard: () => rm(path, { force: true }) };
  });
  const options = { limits: DEFAULT_UPLOAD_LIMITS, admit: admitting(1e6), signal: new AbortController().signal };
  const { file } = await receiveForm(source, { ...options, spool });
  assert.equal(file?.content.size, 300_000);
  await spool.discard();
});

test('an abort ends the reception in the middle of the file', async () => {
  const controller = new AbortController();
  const reason = new Error('stopping');
  async function* stopping(): AsyncGenerator<Uint8Array> {
    yield encode([{ name: 'content', value: 'x', filename: 'a.whl' }], { close: false });
    controller.abort(reason);
    await new Promise(() => {});
  }
  await assert.rejects(receive(stopping(), {}, { signal: controller.signal }).form, reason);
});
