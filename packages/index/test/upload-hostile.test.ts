import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { normalizeName } from '@holdfast/python-index';
import { rawRequest } from './support/raw-request.ts';
import { RawUpload, openForm } from './support/raw-upload.ts';
import { type Served, serveMemory } from './support/served.ts';
import { basic, upload } from './support/upload.ts';
import { type Distribution, makeSdist, makeWheel, makeZip } from './support/wheel.ts';

const FILE = 'demo-1.0-py3-none-any.whl';
const asJson = { accept: 'application/json' };

/** The server is well, nothing is listed and nothing is left. */
async function unharmed(served: Served): Promise<void> {
  assert.equal((await rawRequest(`${served.url}/simple/`)).status, 200);
  assert.equal(served.index.files.size, 0);
  assert.deepEqual(await served.leftovers(), []);
  for await (const key of served.index.objects.list('targets/')) assert.fail(`${key} is left`);
}

async function refusal(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  return `${response.status} ${((await response.json()) as { error: string }).error}`;
}

test('a file beyond the limit is refused while it arrives, and the uploader reads why', async (t) => {
  const served = await serveMemory(t, { uploads: { fileBytes: 100_000 } });
  const big: Distribution = { filename: FILE, bytes: Buffer.alloc(150_000) };
  assert.equal(await refusal(upload(served, big, {}, asJson)), '413 TOO_LARGE');
  await unharmed(served);
});

test('an announced size beyond the limit is refused before anything is read', async (t) => {
  const served = await serveMemory(t, { uploads: { fileBytes: 100_000, formBytes: 1000 } });
  const client = await RawUpload.start(served, 50_000_000);
  assert.match(await client.answer(), /^HTTP\/1\.1 413 /);
  client.abort();
  await unharmed(served);
});

test('an endless upload is refused at the limit, whether in the file or in front of it', async (t) => {
  const served = await serveMemory(t, { uploads: { fileBytes: 200_000, formBytes: 10_000 } });
  for (const head of [openForm(FILE), Buffer.from('no boundary yet'), Buffer.from('--X\r\nX-Bomb: ')]) {
    const client = await RawUpload.start(served, undefined);
    await client.sendChunk(head);
    const answer = client.answer();
    let sent = 0;
    while (!client.answered && sent < 50_000_000) {
      await client.sendChunk(Buffer.alloc(10_000, 'a'));
      await new Promise(setImmediate);
      sent += 10_000;
    }
    assert.match(await answer, /^HTTP\/1\.1 413 /);
    assert.ok(sent < 20_000_000, `${sent} bytes were taken`);
    client.abort();
  }
  await unharmed(served);
});

test('silence, a trickle, and an upload without end in time are 408, and nothing is left', async (t) => {
  const served = await serveMemory(t, { uploads: { idleMs: 60, graceMs: 100, totalMs: 400, minBytesPerSecond: 1000 } });
  const silent = await RawUpload.start(served, 100_000);
  await silent.send(openForm(FILE));
  assert.match(await silent.answer(), /^HTTP\/1\.1 408 The upload was given up: nothing arrived/);
  silent.abort();

  const feed = async (everyMs: number, bytes: number): Promise<string> => {
    const client = await RawUpload.start(served, 100_000_000);
    await client.send(openForm(FILE));
    const timer = setInterval(() => client.socket.write(Buffer.alloc(bytes)), everyMs);
    try {
      return await client.answer();
    } finally {
      clearInterval(timer);
      client.abort();
    }
  };
  assert.match(await feed(10, 1), /^HTTP\/1\.1 408 The upload was given up: it came slower/);
  assert.match(await feed(10, 1000), /^HTTP\/1\.1 408 The upload was given up: it took longer/);
  await unharmed(served);
});

test('an uploader that listens only after it has sent everything still reads why it was refused', async (t) => {
  const served = await serveMemory(t, { uploads: { fileBytes: 100_000 } });
  const body = Buffer.concat([openForm(FILE), Buffer.alloc(30 * 2 ** 20)]);
  for (const token of [served.token, 'hf_wrong']) {
    const client = await RawUpload.start({ ...served, token }, body.length);
    client.socket.pause();
    for (let at = 0; at < body.length; at += 2 ** 20) await client.send(body.subarray(at, at + 2 ** 20));
    client.socket.resume();
    assert.match(await client.answer(), token === served.token ? /^HTTP\/1\.1 413 / : /^HTTP\/1\.1 403 This API token/);
    client.abort();
  }
  await unharmed(served);
});

test('twenty uploads broken off at different places leave nothing and harm nothing', async (t) => {
  const lines: string[] = [];
  const served = await serveMemory(t, {
    logger: pino({ level: 'error' }, { write: (line: string) => lines.push(line) }),
  });
  const form = Buffer.concat([openForm(FILE), Buffer.alloc(600_000)]);
  for (let i = 0; i < 20; i += 1) {
    const client = await RawUpload.start(served, 900_000);
    await client.send(form.subarray(0, Math.floor((form.length * i) / 19)));
    // The large ones are in a file by now; the small ones never are.
    if (i > 10) await until(async () => (await served.leftovers()).length > 0);
    client.abort();
    await client.closed();
    await until(async () => (await served.leftovers()).length === 0);
  }
  await unharmed(served);
  assert.deepEqual(lines, [], 'a client that goes away is no error of ours');
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

test('a form that ends too early, wherever, is 400 and leaves nothing', async (t) => {
  const served = await serveMemory(t);
  const whole = Buffer.concat([openForm(FILE), Buffer.alloc(2000, 'x'), Buffer.from('\r\n--X--\r\n')]);
  for (const length of [0, 3, 60, 150, 700, whole.length - 5, whole.length - 12]) {
    const response = await rawRequest(`${served.url}/legacy/`, {
      method: 'POST',
      headers: { Authorization: basic(served.token), 'Content-Type': 'multipart/form-data; boundary=X' },
      body: whole.subarray(0, length),
    });
    assert.equal(response.status, 400, String(length));
    assert.match(response.reason, /^The upload cannot be read/, String(length));
  }
  await unharmed(served);
});

test('a truncated wheel or sdist is refused although its digest is right', async (t) => {
  const served = await serveMemory(t);
  for (const { filename, bytes } of [makeWheel(), makeSdist()]) {
    for (const length of [0, 10, bytes.length >> 1, bytes.length - 1]) {
      const response = await upload(served, { filename, bytes: bytes.subarray(0, length) });
      assert.equal(response.status, 400, `${filename} ${length}`);
      await response.text();
    }
  }
  await unharmed(served);
});

test('an archive bomb is refused without being unpacked to its end', async (t) => {
  const served = await serveMemory(t);
  const zeros = Buffer.alloc(80 * 2 ** 20);
  const bomb = makeWheel({ extra: [['zeros', zeros]] });
  assert.ok(bomb.bytes.length < 200_000);
  assert.equal(await refusal(upload(served, bomb, {}, asJson)), '400 ARCHIVE_LIMIT');
  await unharmed(served);
});

test('an archive that says another name or version inside, or is no distribution, is refused', async (t) => {
  const served = await serveMemory(t);
  const inside = (name: string, version: string): Distribution =>
    makeWheel({ metadata: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` });
  assert.equal(await refusal(upload(served, inside('other', '1.0'), {}, asJson)), '400 METADATA_MISMATCH');
  assert.equal(await refusal(upload(served, inside('demo', '1.1'), {}, asJson)), '400 METADATA_MISMATCH');
  const others: readonly Buffer[] = [makeZip([['x', 'y']]), Buffer.from('hello'), Buffer.from('PK\x05\x06')];
  for (const bytes of others) {
    assert.match(await refusal(upload(served, { filename: FILE, bytes }, {}, asJson)), /^400 ARCHIVE_/);
  }
  await unharmed(served);
});

test('a project may not grow beyond its limit, and the refusal comes while the file arrives', async (t) => {
  const served = await serveMemory(t, { uploads: { projectBytes: 100_000 } });
  const filler = (version: string): Distribution =>
    makeWheel({
      version,
      extra: [['data', createHash('shake256', { outputLength: 60_000 }).update(version).digest()]],
    });
  assert.equal((await upload(served, filler('1.0'))).status, 200);
  assert.equal(await refusal(upload(served, filler('2.0'), {}, asJson)), '400 PROJECT_FULL');
  assert.equal((await upload(served, filler('1.0'))).status, 200, 'what is there may be sent again');
  assert.equal(served.index.files.get(normalizeName('demo'))?.length, 1);
  assert.deepEqual(await served.leftovers(), []);
});

test('no more uploads than the limit are received at once; some wait, the others are told to come again', async (t) => {
  const served = await serveMemory(t, { uploads: { concurrent: 2, waiting: 1 } });
  const release = Promise.withResolvers<void>();
  const full = Promise.withResolvers<void>();
  let inside = 0;
  let most = 0;
  served.index.beforePublish = async () => {
    inside += 1;
    most = Math.max(most, inside);
    if (inside === 2) full.resolve();
    await release.promise;
    inside -= 1;
  };
  const send = (i: number): Promise<Response> => upload(served, makeWheel({ version: `${i}.0` }), {}, asJson);
  const first = [send(0), send(1)];
  await full.promise;
  const others = await raceForRefusals([send(2), send(3), send(4)], 2);
  for (const response of others) {
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '5');
    assert.equal(((await response.json()) as { error: string }).error, 'BUSY');
  }
  release.resolve();
  for (const answer of await Promise.all(first)) assert.equal(answer.status, 200);
  await served.close();
  assert.equal(most, 2);
  assert.equal(served.index.files.get(normalizeName('demo'))?.length, 3, 'who waited was served');
});

/** The first `count` answers that arrive. */
async function raceForRefusals(answers: readonly Promise<Response>[], count: number): Promise<Response[]> {
  const arrived: Response[] = [];
  const enough = Promise.withResolvers<void>();
  const wait = async (answer: Promise<Response>): Promise<void> => {
    arrived.push(await answer);
    if (arrived.length === count) enough.resolve();
  };
  for (const answer of answers) void wait(answer);
  await enough.promise;
  return arrived;
}

test('many fields, long fields and long part headers are refused', async (t) => {
  const served = await serveMemory(t, { uploads: { fields: 50, fieldBytes: 1000, formBytes: 20_000 } });
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`field${i}`, 'x']));
  assert.equal(await refusal(upload(served, makeWheel(), many, asJson)), '400 TOO_MANY_FIELDS');
  assert.equal(await refusal(upload(served, makeWheel(), { description: 'x'.repeat(1001) }, asJson)), '413 TOO_LARGE');
  const sum = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`field${i}`, 'x'.repeat(900)]));
  assert.equal(await refusal(upload(served, makeWheel(), sum, asJson)), '413 TOO_LARGE');
  assert.equal((await upload(served, makeWheel(), { ['n'.repeat(9000)]: 'x' })).status, 200, 'a part nobody asks for');
});
