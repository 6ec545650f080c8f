import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { StaticMirror } from '../../test/static-mirror.ts';
import { AbsentError, InvalidInputError, MisbehavedError, UnreachableError } from '../errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Mirror, parseMirrorUrl } from './mirror.ts';

const limits = { ...DEFAULT_LIMITS, retries: 0 };
/** For tests of slowness: the others must not fail on a busy machine. */
const impatient = { ...limits, connectMs: 500, idleMs: 150, metadataMs: 600, rateWindowMs: 200 };
let server: StaticMirror;
let mirror: Mirror;

beforeEach(async () => {
  server = await StaticMirror.start(new Map([['metadata/a.json', Buffer.from('{"a":1}')]]));
  mirror = await Mirror.open(server.url, limits, {});
});
afterEach(async () => {
  mirror.close();
  await server.close();
});

const read = (): Promise<Uint8Array> => mirror.read('metadata/a.json', { maxLength: 100 });
async function readImpatiently(): Promise<Uint8Array> {
  const own = await Mirror.open(server.url, impatient, {});
  return own.read('metadata/a.json', { maxLength: 100 }).finally(() => own.close());
}
const answer = (handler: (request: IncomingMessage, response: ServerResponse) => void): void => {
  server.intercept = (request, response) => (handler(request, response), true);
};
const misbehaved = (reason: RegExp) => (error: unknown) =>
  error instanceof MisbehavedError && reason.test(error.reason);
const unreachable = (reason: RegExp) => (error: unknown) =>
  error instanceof UnreachableError && reason.test(error.reason);

test('reads a file', async () => {
  assert.equal(Buffer.from(await read()).toString(), '{"a":1}');
});

test('refuses a body that announces more than allowed before reading it (P20 endless data)', async () => {
  answer((_, response) => response.writeHead(200, { 'content-length': 101 }).flushHeaders());
  await assert.rejects(read(), misbehaved(/longer than the 100 bytes/));
});

test('stops an endless body at the limit and closes the connection (P20 endless data)', async () => {
  let closed: Promise<unknown> | undefined;
  answer((request, response) => {
    closed = new Promise((resolve) => request.socket.once('close', resolve).once('error', () => {}));
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(50)));
      response.once('drain', more);
    };
    more();
  });
  await assert.rejects(read(), misbehaved(/longer/));
  await closed;
});

test('gives up on a server that never answers, and on one that falls silent (P20 slow retrieval)', async () => {
  answer(() => {});
  await assert.rejects(readImpatiently(), unreachable(/no answer/));
  answer((_, response) => response.writeHead(200, { 'content-length': 7 }).write('{"a'));
  await assert.rejects(readImpatiently(), unreachable(/no data for/));
});

test('gives up on a server that drips bytes one by one, although it is never silent (P20 slow retrieval)', async () => {
  answer((_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    const drip = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(drip));
  });
  await assert.rejects(readImpatiently(), unreachable(/too slowly/));
});

test('403, 404 and 410 mean that there is no such file; 5xx that the server is of no use', async () => {
  for (const status of [403, 404, 410]) {
    answer((_, response) => response.writeHead(status).end());
    await assert.rejects(read(), (error) => error instanceof AbsentError && error.status === status);
  }
  answer((_, response) => response.writeHead(503).end());
  await assert.rejects(read(), unreachable(/HTTP 503/));
});

test('follows redirects of metadata within the origin only, and not for ever', async () => {
  answer((request, response) => {
    if (request.url === '/metadata/a.json') response.writeHead(302, { location: '/elsewhere.json' }).end();
    else response.end('{}');
  });
  assert.equal(Buffer.from(await read()).toString(), '{}');
  answer((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/x' }).end());
  await assert.rejects(read(), misbehaved(/redirects to another host, http:\/\/127\.0\.0\.1:1/));
  answer((_, response) => response.writeHead(302, { location: '/again' }).end());
  await assert.rejects(read(), misbehaved(/more than 5 redirects/));
});

test('follows a redirect of a file to another host, without the credentials of the mirror', async () => {
  const other = await StaticMirror.start(new Map([['cdn/a.whl', Buffer.from('bytes')]]));
  try {
    const seen: (string | undefined)[] = [];
    other.intercept = (request) => void seen.push(request.headers.authorization);
    answer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `${other.url}cdn/a.whl` }).end();
    });
    const withUser = await Mirror.open(server.url.replace('//', '//anna:secret@'), limits, {});
    const { body, url } = await withUser.open('targets/a.whl');
    assert.equal(Buffer.concat(await body.toArray()).toString(), 'bytes');
    assert.equal(url, `${other.url}cdn/a.whl`);
    assert.deepEqual(seen, [`Basic ${btoa('anna:secret')}`, undefined]);
    withUser.close();
    for (const location of ['ftp://127.0.0.1/a', 'file:///etc/passwd', 'data:,x']) {
      answer((_, response) => response.writeHead(302, { location }).end());
      await assert.rejects(mirror.open('targets/a.whl'), misbehaved(/redirects to (ftp|file|data)/));
    }
  } finally {
    await other.close();
  }
});

test('sends credentials to the mirror that they belong to and shows them nowhere', async () => {
  const seen: (string | undefined)[] = [];
  answer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(503).end();
  });
  const withUser = await Mirror.open(server.url.replace('//', '//anna:p%40ss@'), limits, {});
  await assert.rejects(withUser.read('metadata/a.json', { maxLength: 9 }), (error) => {
    return error instanceof UnreachableError && !error.message.includes('p%40ss') && !error.message.includes('anna');
  });
  withUser.close();
  assert.deepEqual(seen, [`Basic ${Buffer.from('anna:p@ss').toString('base64')}`]);
  assert.ok(!withUser.url.includes('anna'));
});

test('asks again after a quick failure, as often as the limits say', async () => {
  const patient = await Mirror.open(server.url, { ...limits, retries: 2 }, {});
  let asked = 0;
  answer((_, response) => (++asked < 3 ? response.writeHead(503).end() : response.end('{}')));
  assert.equal(Buffer.from(await patient.read('metadata/a.json', { maxLength: 9 })).toString(), '{}');
  patient.close();
});

test("goes through the user's HTTP proxy, except for the hosts of NO_PROXY", async () => {
  const proxy = await StaticMirror.start(new Map());
  proxy.intercept = (request, response) => {
    response.end(request.url);
    return true;
  };
  const HTTP_PROXY = proxy.url;
  const through = await Mirror.open('http://index.example/', limits, { HTTP_PROXY });
  assert.equal(
    Buffer.from(await through.read('metadata/a.json', { maxLength: 99 })).toString(),
    'http://index.example/metadata/a.json',
  );
  const around = await Mirror.open(server.url, limits, { HTTP_PROXY, NO_PROXY: '127.0.0.1' });
  assert.equal(Buffer.from(await around.read('metadata/a.json', { maxLength: 99 })).toString(), '{"a":1}');
  through.close();
  around.close();
  await proxy.close();
});

test('takes the address that people give to pip as the address of the index', () => {
  assert.equal(parseMirrorUrl('https://x.example/simple/').href, 'https://x.example/');
  assert.equal(parseMirrorUrl('https://x.example/py/simple').href, 'https://x.example/py/');
  assert.equal(parseMirrorUrl('https://x.example').href, 'https://x.example/');
  for (const bad of [
    'x.example',
    'ftp://x.example/',
    'https://x.example/?a=b',
    'https://x.example/#f',
    'https://%ff@x.example/',
  ])
    assert.throws(() => parseMirrorUrl(bad), InvalidInputError);
});
