import { createHash } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { normalizeName } from '@holdfast/python-index';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Identity } from '../accounts/accounts.ts';
import { accountAnswer, addKey, keyList, removeKey } from './account.ts';
import { identify } from './credentials.ts';
import type { Readiness } from './health.ts';
import type { Problem } from './http-error.ts';
import { jsonBody } from './json-body.ts';
import { LANDING_CSP, landingPage } from './landing.ts';
import { problemOf } from './problem-of.ts';
import { type Answer, getStatus, postTransaction } from './project-api.ts';
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
  /** Told of what somebody changed, for the log. */
  readonly onEvent: (event: string, facts: Readonly<Record<string, unknown>>) => void;
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
    const expiring = await index.expiringSoon();
    return c.html(landingPage({ url: options.url(), rootFingerprint, expiring }));
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

  // Answers depend on who asks.
  app.use('/api/*', async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  addProjectRoutes(app, index, options);
  addAccountRoutes(app, index, options);

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

type App = Hono<{ Bindings: ApiBindings }>;

function addProjectRoutes(app: App, index: ServedIndex, { onEvent }: ApiOptions): void {
  app.post('/api/v1/projects/:project/yank', async (c) => {
    const identity = await identifyOf(index, c);
    const project = normalizeName(c.req.param('project'));
    return c.json(await yank(index, identity, project, await jsonBody(c.env.incoming, MAX_BODY)));
  });

  app.post('/api/v1/projects/:project/transactions', async (c) => {
    const identity = await identifyOf(index, c);
    const project = normalizeName(c.req.param('project'));
    const { answer, submitted } = await postTransaction(index, identity, project, c.env.incoming);
    const { outcome } = submitted;
    const timestampVersion = outcome === 'published' ? submitted.timestampVersion : undefined;
    onEvent('transaction', { id: c.env.requestId, outcome, account: identity.account, project, timestampVersion });
    return send(c, answer);
  });

  app.get('/api/v1/projects/:project/status', async (c) =>
    send(c, await getStatus(index, await identifyIfSaid(index, c), normalizeName(c.req.param('project')))),
  );

  app.delete('/api/v1/projects/:project/staged/:filename', async (c) => {
    const identity = await identifyOf(index, c);
    const [project, filename] = [normalizeName(c.req.param('project')), c.req.param('filename')];
    await index.transactions.discard(identity, project, filename);
    onEvent('staged file discarded', { id: c.env.requestId, account: identity.account, project, filename });
    return c.json({ project, filename });
  });

  app.delete('/api/v1/projects/:project/transactions/:id', async (c) => {
    const identity = await identifyOf(index, c);
    const [project, given] = [normalizeName(c.req.param('project')), c.req.param('id')];
    const transaction = ID.test(given) ? Number(given) : 0;
    await index.transactions.withdraw(identity, project, transaction);
    onEvent('transaction withdrawn', { id: c.env.requestId, account: identity.account, project, transaction });
    return c.json({ project, id: transaction });
  });
}

/** No transaction has another number. */
const ID = /^[1-9]\d{0,14}$/;

function addAccountRoutes(app: App, index: ServedIndex, { onEvent }: ApiOptions): void {
  app.get('/api/v1/account', async (c) => c.json(await accountAnswer(index, await identifyOf(index, c))));

  app.get('/api/v1/account/keys', async (c) => c.json(await keyList(index, await identifyOf(index, c))));

  app.post('/api/v1/account/keys', async (c) => {
    const identity = await identifyOf(index, c);
    const { keyid, isNew } = await addKey(index, identity, await jsonBody(c.env.incoming, MAX_BODY));
    if (isNew) onEvent('account key added', { id: c.env.requestId, account: identity.account, keyid });
    return c.json({ keyid }, isNew ? 201 : 200);
  });

  app.delete('/api/v1/account/keys/:keyid', async (c) => {
    const identity = await identifyOf(index, c);
    const keyid = c.req.param('keyid');
    await removeKey(index, identity, keyid, await jsonBody(c.env.incoming, MAX_BODY));
    onEvent('account key removed', { id: c.env.requestId, account: identity.account, keyid });
    return c.json({ keyid });
  });
}

/** What a client is told of an error that is ours. */
export const INTERNAL: Problem = {
  status: 500,
  code: 'INTERNAL',
  message: 'The index failed to answer. Its operators find the reason in the log, under the id of this request.',
};

/** Who asks, if they say so. A wrong token is told, and not taken for none. */
async function identifyIfSaid(index: ServedIndex, c: Api): Promise<Identity | undefined> {
  return c.req.header('authorization') === undefined ? undefined : await identifyOf(index, c);
}

function identifyOf(index: ServedIndex, c: Api): Promise<Identity> {
  return identify(c.req.header('authorization'), (token) => index.accounts.authenticate(token));
}

function send(c: Api, { status, json }: Answer): Response {
  return c.body(json, status, { 'Content-Type': 'application/json' });
}

function sendProblem(c: Api, problem: Problem): Response {
  c.env.outgoing.statusMessage = reasonPhrase(problem.message);
  return c.body(problemJson(problem, c.env.requestId), problem.status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...problem.headers,
  });
}
