import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ConflictError, IndexApi, IndexBusyError, RefusedError } from '@holdfast/developer';
import { DEFAULT_LIMITS } from '@holdfast/installer';
import { nastyServer } from './nasty-server.ts';

const server = await nastyServer();
after(() => server.close());
const limits = { ...DEFAULT_LIMITS, connectMs: 2_000, idleMs: 2_000, metadataMs: 2_000 };
const api = new IndexApi({ url: `${server.url}simple/`, token: 'secret', limits, environment: {} });

/** Answers once with this, whatever is asked. */
function answers(status: number, body: string, headers: Record<string, string> = {}): void {
  server.answer = (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
const problem = (code: string, detail: string): string => JSON.stringify({ status: 0, code, title: 'x', detail });

describe('what an index answers', () => {
  it('is asked for at its own address, with the token as uploaders send it', async () => {
    answers(200, '{"a":1}');
    assert.deepEqual(await api.get('api/v1/account'), new Map([['a', 1]]));
    const { method, path, headers } = server.asked.at(-1) ?? assert.fail();
    assert.deepEqual([method, path], ['GET', '/api/v1/account']);
    assert.equal(headers.authorization, `Basic ${Buffer.from('__token__:secret').toString('base64')}`);
    assert.match(headers.accept ?? '', /application\/json/);
  });

  it('and told what is sent as JSON, with its length', async () => {
    answers(202, '{}');
    const { status } = await api.post('api/v1/x', { b: [1, 'ü'], a: new Map([['k', undefined]]) });
    const { method, headers, body } = server.asked.at(-1) ?? assert.fail();
    assert.deepEqual([status, method, body.toString()], [202, 'POST', '{"a":{},"b":[1,"ü"]}']);
    assert.deepEqual([headers['content-type'], headers['content-length']], ['application/json', String(body.length)]);
  });

  it('is a refusal in its own words, with its own code', async () => {
    answers(422, problem('KEY_NOT_VOUCHED', 'Sign with a present key.'));
    await assert.rejects(api.post('api/v1/x', {}), (error) => {
      assert.ok(error instanceof RefusedError && !(error instanceof ConflictError));
      assert.deepEqual(
        [error.status, error.reason, error.message],
        [422, 'KEY_NOT_VOUCHED', 'Sign with a present key.'],
      );
      return true;
    });
    answers(409, problem('VERSION_TAKEN', 'Another came first.'));
    await assert.rejects(api.post('api/v1/x', {}), ConflictError);
    answers(403, problem('CREDENTIALS_WRONG', 'This API token is not valid.'));
    await assert.rejects(api.get('api/v1/x'), { code: 'TOKEN_REFUSED', message: 'This API token is not valid.' });
    answers(401, problem('CREDENTIALS_MISSING', 'Credentials are missing.'));
    await assert.rejects(api.get('api/v1/x'), { code: 'TOKEN_REFUSED' });
    const without = new IndexApi({ url: server.url, limits, environment: {} });
    await assert.rejects(without.get('api/v1/x'), { code: 'TOKEN_MISSING' });
    assert.equal(server.asked.at(-1)?.headers.authorization, undefined);
  });

  it('has a sentence even when something between us and the index answered', async () => {
    answers(404, '<html>nope</html>', { 'content-type': 'text/html' });
    await assert.rejects(api.get('api/v1/x'), {
      code: 'UNEXPECTED_ANSWER',
      message: /does not exist there \(HTTP 404\)/,
    });
    answers(400, '');
    await assert.rejects(api.get('api/v1/x'), { code: 'REFUSED', reason: 'HTTP_400', message: /answered HTTP 400/ });
    answers(502, 'bad gateway');
    await assert.rejects(api.get('api/v1/x'), { code: 'INDEX_BUSY', reason: 'HTTP_502' });
  });

  it('may be to come again later', async () => {
    for (const [status, field, expected] of [
      [503, '20', 20],
      [429, '-1', undefined],
      [507, 'soon', undefined],
    ] as const) {
      answers(status, problem('BUSY', 'Later.'), { 'retry-after': field });
      await assert.rejects(
        api.get('api/v1/x'),
        (error) => error instanceof IndexBusyError && error.retryAfter === expected,
      );
    }
  });

  it('cannot steer the terminal with its words', async () => {
    answers(422, problem('X', `a\u001b[31mb\u202ec\nd${'x'.repeat(5000)}`));
    await assert.rejects(api.get('api/v1/x'), ({ message }: Error) => {
      assert.match(message, /^a \[31mb c dx+$/);
      return message.length === 1000;
    });
  });

  it('is not followed to another address: the token stays here', async () => {
    const other = await nastyServer();
    answers(307, '', { location: `${other.url}api/v1/x` });
    await assert.rejects(api.post('api/v1/x', {}), {
      code: 'UNEXPECTED_ANSWER',
      message: /leads elsewhere \(HTTP 307\)/,
    });
    assert.equal(other.asked.length, 0);
    await other.close();
  });

  it('must be JSON, as strictly as metadata, and no longer than is read', async () => {
    for (const body of ['', 'yes', '[1]', '{"a":1,"a":2}', '{"a":1.5}']) {
      answers(200, body);
      await assert.rejects(api.get('api/v1/x'), { code: 'UNEXPECTED_ANSWER' }, body);
    }
    answers(200, JSON.stringify({ a: 'x'.repeat(2000) }));
    await assert.rejects(api.get('api/v1/x', { maxLength: 1000 }), { code: 'MISBEHAVED' });
  });
});

describe('an index that is not well', () => {
  it('is given up when it sends nothing more', async () => {
    server.answer = (_, response) => response.writeHead(200, { 'content-length': '10' }).write('{');
    await assert.rejects(api.get('api/v1/x'), { code: 'UNREACHABLE' });
  });

  it('and when it is gone: what was sent is not sent again', async () => {
    const before = server.asked.length;
    server.answer = (request) => request.socket.destroy();
    await assert.rejects(api.post('api/v1/x', {}), { code: 'UNREACHABLE', message: /connection was closed/ });
    assert.equal(server.asked.length, before + 1);
    const gone = await nastyServer();
    await gone.close();
    const nobody = new IndexApi({ url: gone.url, limits, environment: {} });
    await assert.rejects(nobody.get('api/v1/x'), { code: 'UNREACHABLE', message: /nothing listens there/ });
  });

  it('may answer before it has read everything', async () => {
    answers(413, problem('TOO_LARGE', 'Too large.'));
    server.isEager = true;
    let given = 0;
    const closed = Promise.withResolvers<void>();
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (; given < 16_384; given++) yield new Uint8Array(65_536);
      } finally {
        closed.resolve();
      }
    };
    const form = { contentType: 'multipart/form-data; boundary=x', length: 16_384 * 65_536, body: pieces() };
    await assert.rejects(api.upload('legacy/', form), { code: 'REFUSED', reason: 'TOO_LARGE' });
    await closed.promise;
    assert.ok(given < 16_384, 'the rest was not read for nothing');
    server.isEager = false;
  });

  it('is not blamed when reading the file to upload fails', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw Object.assign(new Error('the disk is gone'), { code: 'EIO' });
    };
    const form = { contentType: 'multipart/form-data; boundary=x', length: 20, body: broken() };
    await assert.rejects(api.upload('legacy/', form), { message: /the disk is gone/ });
  });
});

describe('a token', () => {
  it('never travels unencrypted to another machine', () => {
    for (const url of ['http://packages.example.com/', 'http://127.0.0.1.example.com/', 'http://10.0.0.7/'])
      assert.throws(
        () => new IndexApi({ url, token: 't' }),
        { code: 'INVALID_INPUT', message: /over https only/ },
        url,
      );
    for (const url of [
      'https://packages.example.com/',
      'http://localhost:8080/',
      'http://[::1]:1/',
      'http://127.9.9.9/',
    ])
      assert.ok(new IndexApi({ url, token: 't' }), url);
    assert.ok(new IndexApi({ url: 'http://packages.example.com/' }), 'without a token nothing is at risk');
  });

  it('in an address is not shown', () => {
    const { url } = new IndexApi({ url: 'https://__token__:secret@packages.example.com/simple', token: 'secret' });
    assert.equal(url, 'https://packages.example.com/');
  });
});
