import { createHash } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { normalizeName } from '@holdfast/python-index';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { identify } from './credentials.ts';
import type { Readiness } from './health.ts';
import { HttpError, type Problem } from './http-error.ts';
import { LANDING_CSP, landingPage } from './landing.ts';
import { problemOf } from './problem-of.ts';
import { problemJson, reasonPhrase } from './reply.ts';
import type { ServedIndex } from './served-index.ts';
import { yank } from './yank.ts';

/** Bytes of a JSON request. */
const MAX_BODY = 256 * 1024;

/** What the server gives along with each request. */
export interface ApiBindings extends HttpBindings {
  readonly requestId: string;
}

export interface ApiOptions {
  readonly readiness: Readiness;
  /** Where this index is reached, without a slash at the end. */
  readonly url: () => string;
  /** Told of every error that the client is not told about. */
  readonly onError: (error: unknown, requestId: string) => void;
}

type Api = Context<{ Bindings: ApiBindings }>;

/** Everything that is not bytes, pages or uploads: for people and for programs, small, answered from memory. */
export function createApi(index: ServedIndex, options: ApiOptions): Hono<{ Bindings: ApiBindings }> {
  const app = new Hono<{ Bindings: ApiBindings }>();

  app.get('/', async (c) => {
    const root = await index.metadata.newest('root');
    const rootFingerprint = root && createHash('sha256').update(root).digest('hex');
    c.header('Content-Security-Policy', LANDING_CSP);
    c.header('Cache-Control', 'no-cache');
    return c.html(landingPage({ url: options.url(), rootFingerprint }));
  });

  // That the process lives: who restarts it for less would cut uploads off and mend nothing.
  app.get('/healthz', (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json({ ok: true });
  });

  app.get('/readyz', async (c) => {
    const health = await options.readiness.look();
    c.header('Cache-Control', 'no-store');
    return c.json(health, health.ok ? 200 : 503);
  });

  app.post('/api/v1/projects/:project/yank', async (c) => {
    const identity = await identify(c.req.header('authorization'), (token) => index.accounts.authenticate(token));
    const outcome = await yank(index, identity, normalizeName(c.req.param('project')), await jsonBody(c.env.incoming));
    c.header('Cache-Control', 'no-store');
    return c.json(outcome);
  });

  app.notFound((c) =>
    sendProblem(c, { status: 404, code: 'NOT_FOUND', message: 'This address does not exist on this index.' }),
  );
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem === undefined) options.onError(error, c.env.requestId);
    return sendProblem(c, problem ?? INTERNAL);
  });
  return app;
}

/** What a client is told of an error that is ours. */
export const INTERNAL: Problem = {
  status: 500,
  code: 'INTERNAL',
  message: 'The index failed to answer. Its operators find the reason in the log, under the id of this request.',
};

async function jsonBody(incoming: HttpBindings['incoming']): Promise<unknown> {
  const body = await readBody(incoming);
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (error) {
    throw new HttpError({ status: 400, code: 'NOT_JSON', message: 'The request body is not JSON.' }, { cause: error });
  }
}

/** Reads the raw request: what is too large is refused on the way, and the rest is drained, not cut off. */
async function readBody(incoming: HttpBindings['incoming']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) throw bodyTooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    const message = 'The connection was closed before the request was complete.';
    throw new HttpError({ status: 400, code: 'INTERRUPTED', message }, { cause: error });
  }
  return Buffer.concat(chunks);
}

function bodyTooLarge(): HttpError {
  const message = `The request body is larger than ${MAX_BODY} bytes.`;
  return new HttpError({ status: 413, code: 'TOO_LARGE', message });
}

function sendProblem(c: Api, problem: Problem): Response {
  c.env.outgoing.statusMessage = reasonPhrase(problem.message);
  return c.body(problemJson(problem, c.env.requestId), problem.status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...problem.headers,
  });
}
