import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { type Fetch, FormatError, HttpFetcher, LengthMismatchError, NetworkError, NotFoundError } from '@holdfast/tuf';
import { nodeFetch } from '@holdfast/tuf/node';

const content = Buffer.alloc(300_000, 'holdfast ');
const limits = { idleMs: 10_000, totalMs: 30_000, rateWindowMs: 10_000, attempts: 1 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let url: string;
let answer: Answer;
let asked: IncomingMessage[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Asks with this one; the tests run with each. */
let transport: Fetch;
const fetcher = (more: Partial<typeof limits> & { minimumBytesPerSecond?: number } = {}): HttpFetcher =>
  new HttpFetcher(url, { limits: { ...limits, ...more }, fetch: transport });
const ranges = (): readonly (string | undefined)[] => asked.map(({ headers }) => headers.range);

/** Sends a piece and breaks the connection, until the last time. */
function breakOff(times: number, headers: Record<string, string>, piece = 100_000): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? range : headers);
    if (asked.length > times) response.end(content.subarray(start));
    else response.write(content.subarray(start, start + piece), () => response.destroy());
  };
}

const TRANSPORTS: readonly (readonly [string, Fetch])[] = [
  ['fetch', fetch],
  ['nodeFetch', nodeFetch],
];
for (const [name, platform] of TRANSPORTS)
  describe(`the HTTP fetcher, by ${name}`, () => {
    before(async () => {
      transport = platform;
      // Loading it takes longer than these tests wait.
      await platform(new URL('http://127.0.0.1:1/'), {
        headers: {},
        signal: new AbortController().signal,
        cache: 'no-store',
      }).catch(() => undefined);
    });

    it('decodes what the server encodes, and refuses what it cannot decode', async () => {
      for (const [encoding, encode] of [
        ['gzip', gzipSync],
        ['deflate', deflateSync],
        ['br', brotliCompressSync],
      ] as const) {
        answer = (_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(encode(content));
        assert.deepEqual(Buffer.from(await fetcher().fetch('a', { maxLength: content.length })), content, encoding);
      }
      answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip');
      await assert.rejects(fetcher().fetch('a', { maxLength: 99 }), NetworkError);
    });

    it('keeps its connection after "not there", however that is said, and reads no endless page about it', async () => {
      let connections = 0;
      server.on('connection', () => connections++);
      for (const page of ['', 'not found', 'x'.repeat(10_000), '<html>', '404', 'no']) {
        answer = (request, response) => response.writeHead(request.url === '/metadata/b' ? 200 : 404).end(page);
        await assert.rejects(fetcher().fetch('a', { maxLength: 9 }), NotFoundError);
        await fetcher().fetch('b', { maxLength: page.length });
      }
      // The built-in fetch may open a second one while it puts the first one back.
      assert.ok(connections <= 2, `${connections} connections`);
      answer = (_, response) => {
        response.writeHead(404);
        const more = (): void => void (response.destroyed || response.write(content, more));
        more();
      };
      await assert.rejects(fetcher().fetch('a', { maxLength: 9 }), NotFoundError);
    });

    it('ends a circle of redirects, and keeps what is secret from other hosts', async () => {
      answer = (_, response) => response.writeHead(302, { location: '/metadata/a' }).end();
      await assert.rejects(fetcher().fetch('a', { maxLength: 9 }), NetworkError);
      const other = createServer((request, response) => {
        asked.push(request);
        response.end('other');
      }).listen(0, '127.0.0.1');
      await once(other, 'listening');
      asked.length = 0;
      const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/b`;
      answer = (_, response) => response.writeHead(307, { location: elsewhere }).end();
      const authorized = new HttpFetcher(url, { limits, headers: { authorization: 'secret' }, fetch: transport });
      assert.equal(Buffer.from(await authorized.fetch('a', { maxLength: 9 })).toString(), 'other');
      assert.deepEqual(
        asked.map(({ headers }) => headers.authorization),
        ['secret', undefined],
      );
      other.closeAllConnections();
      other.close();
    });

    it('reads a file below its address, decoded, and tells how far it is', async () => {
      answer = (_, response) => response.end(content);
      const seen: number[] = [];
      const bytes = await fetcher().fetch('1.root.json', {
        maxLength: content.length,
        onReceived: (received) => seen.push(received),
      });
      assert.deepEqual(Buffer.from(bytes), content);
      assert.equal(asked[0]?.url, '/metadata/1.root.json');
      assert.equal(seen.at(-1), content.length);
    });

    it('resumes with a Range request and If-Range where the server names a strong entity tag', async () => {
      answer = breakOff(2, { etag: '"a"' });
      assert.deepEqual(Buffer.from(await fetcher().fetch('a', { maxLength: content.length })), content);
      assert.equal(ranges()[0], undefined);
      const offsets = ranges()
        .slice(1)
        .map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
      assert.ok(offsets.length >= 1 && offsets.every((offset, at) => offset > (offsets[at - 1] ?? 0)), offsets.join());
      assert.equal(asked[1]?.headers['if-range'], '"a"');
    });

    it('begins anew where it cannot be sure that the rest belongs to the same file', async () => {
      for (const headers of [{}, { etag: 'W/"a"' }] as Record<string, string>[]) {
        asked.length = 0;
        answer = breakOff(1, headers);
        assert.deepEqual(
          Buffer.from(await fetcher({ attempts: 2 }).fetch('a', { maxLength: content.length })),
          content,
        );
        assert.deepEqual(ranges(), [undefined, undefined]);
      }
      asked.length = 0;
      // The file changed meanwhile: another entity tag, and the server sends the whole.
      answer = (_, response) => {
        if (asked.length > 1) response.setHeader('etag', '"b"').end('new');
        else response.setHeader('etag', '"a"').write(content, () => response.destroy());
      };
      assert.equal(Buffer.from(await fetcher().fetch('a', { maxLength: content.length })).toString(), 'new');
    });

    it('refuses what is longer than allowed: as announced, as received, as decoded, without end', async () => {
      const closed: Promise<unknown>[] = [];
      const endless: Answer = (_, response) => {
        closed.push(once(response, 'close'));
        const more = (): void => {
          while (!response.destroyed && response.write(content));
          response.once('drain', more);
        };
        more();
      };
      const announced: Answer = (_, response) => response.writeHead(200, { 'content-length': 1001 }).write('x');
      const bomb: Answer = (_, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content));
      for (answer of [announced, endless, bomb]) {
        asked.length = 0;
        await assert.rejects(fetcher({ attempts: 3 }).fetch('a', { maxLength: 1000 }), LengthMismatchError);
        assert.equal(asked.length, 1);
      }
      await Promise.all(closed); // the connection was cancelled, not left open
    });

    it('reads a 403, 404 and 410 as "not there" without asking again, and asks again after a 500', async () => {
      for (const status of [403, 404, 410]) {
        asked.length = 0;
        answer = (_, response) => response.writeHead(status).end();
        await assert.rejects(fetcher({ attempts: 3 }).fetch('a', { maxLength: 9 }), NotFoundError);
        assert.equal(asked.length, 1);
      }
      asked.length = 0;
      answer = (_, response) => (asked.length < 3 ? response.writeHead(503).end() : response.end('{}'));
      assert.equal((await fetcher({ attempts: 3 }).fetch('a', { maxLength: 9 })).length, 2);
      asked.length = 0;
      answer = (_, response) => response.writeHead(400).end();
      await assert.rejects(fetcher({ attempts: 3 }).fetch('a', { maxLength: 9 }), NetworkError);
      assert.equal(asked.length, 1);
    });

    it('gives up silence, a drip, and what takes too long in all (slow retrieval, P20)', async () => {
      answer = () => undefined;
      await assert.rejects(fetcher({ idleMs: 300 }).fetch('a', { maxLength: 9 }), /no data/);
      const drip: Answer = (_, response) => {
        const dripping = setInterval(() => response.write('x'), 20);
        response.once('close', () => clearInterval(dripping));
      };
      answer = drip;
      await assert.rejects(fetcher({ rateWindowMs: 200 }).fetch('a', { maxLength: 9_999 }), /too slowly/);
      await assert.rejects(fetcher({ totalMs: 200, attempts: 9 }).fetch('a', { maxLength: 9_999 }), /not complete/);
      asked.length = 0;
      answer = breakOff(Number.POSITIVE_INFINITY, { etag: '"a"' }, 1);
      await assert.rejects(
        fetcher({ attempts: 3, minimumBytesPerSecond: 1e6 }).fetch('a', { maxLength: content.length }),
        NetworkError,
      );
      assert.equal(asked.length, 3, 'a byte now and then buys no further tries');
    });

    it('ends with the reason of an aborted signal, while waiting, reading and pausing', async () => {
      const stop = new AbortController();
      answer = () => stop.abort(new Error('enough'));
      await assert.rejects(fetcher().fetch('a', { maxLength: 9, signal: stop.signal }), /^Error: enough$/);
      await assert.rejects(fetcher().fetch('a', { maxLength: 9, signal: stop.signal }), /^Error: enough$/);
      assert.equal(asked.length, 1);
      const later = new AbortController();
      answer = (_, response) => {
        response.writeHead(503).end(() => setTimeout(() => later.abort(new Error('later')), 20));
      };
      await assert.rejects(
        fetcher({ attempts: 9 }).fetch('a', { maxLength: 9, signal: later.signal }),
        /^Error: later$/,
      );
    });

    it('follows a redirect, and never leaves its address by a path', async () => {
      answer = (request, response) =>
        request.url === '/metadata/a' ? response.writeHead(302, { location: '/b' }).end() : response.end('b');
      assert.equal(Buffer.from(await fetcher().fetch('a', { maxLength: 9 })).toString(), 'b');
      asked.length = 0;
      for (const path of ['../a', 'a/%2e%2e/b', 'a?b', 'a#b', 'a b'])
        await assert.rejects(fetcher().fetch(path, { maxLength: 9 }), FormatError, path);
      assert.equal(asked.length, 0);
      for (const bad of ['a', 'ftp://a/', 'http://a/?b', 'http://a/#b'])
        assert.throws(() => new HttpFetcher(bad), RangeError);
    });
  });
