import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createLogger, openTracer } from '../src/index.ts';
import { rawRequest } from './support/raw-request.ts';
import { serveIndex } from './support/served-index.ts';
import { upload } from './support/upload.ts';
import { makeWheel } from './support/wheel.ts';

/** A span as OTLP writes it in JSON, as far as these tests look. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly links?: { readonly traceId: string }[];
  readonly status: { readonly code?: number };
}

interface Received {
  readonly endpoint: string;
  readonly spans: Span[];
  readonly services: Set<unknown>;
}

/** Takes spans in as a collector does, at `/v1/traces`. */
async function startReceiver(t: TestContext): Promise<Received> {
  const spans: Span[] = [];
  const services = new Set<unknown>();
  const take = async (request: IncomingMessage): Promise<void> => {
    assert.equal(request.url, '/v1/traces');
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
      resourceSpans: { resource: { attributes: Span['attributes'] }; scopeSpans: { spans: Span[] }[] }[];
    };
    for (const { resource, scopeSpans } of body.resourceSpans) {
      services.add(resource.attributes.find(({ key }) => key === 'service.name')?.value['stringValue']);
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
  };
  const server = createServer((request, response) => {
    void take(request).finally(() => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, services };
}

const attribute = (span: Span | undefined, key: string): unknown =>
  Object.values(span?.attributes.find((each) => each.key === key)?.value ?? {})[0];

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

/** The exporter reads its address from the process, as everywhere. */
async function tracing(
  t: TestContext,
  variables: Record<string, string> = {},
): Promise<Received & { close(): Promise<void>; tracer: NonNullable<Awaited<ReturnType<typeof openTracer>>> }> {
  const receiver = await startReceiver(t);
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.endpoint;
  t.after(() => delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  const tracer = await openTracer({ ...process.env, ...variables });
  assert.ok(tracer);
  return { ...receiver, tracer, close: () => tracer.close() };
}

test('one trace leads from the request of an uploader to the publication, through stores and records', async (t) => {
  const { tracer, spans, services, close } = await tracing(t);
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const served = await serveIndex(t, { tracer, logger }, { tracer });
  const answer = await upload(served, makeWheel(), {}, { traceparent: `00-${TRACE}-${PARENT}-01` });
  assert.equal(answer.status, 200);
  await served.close();
  await close();
  assert.deepEqual([...services], ['holdfast']);
  const own = spans.filter(({ traceId }) => traceId === TRACE);
  const named = (name: string): Span | undefined => own.find((span) => span.name === name);
  const request = named('POST /legacy');
  assert.equal(request?.parentSpanId, PARENT);
  assert.equal(request?.kind, 2, 'SERVER');
  assert.equal(attribute(request, 'http.response.status_code'), 200);
  assert.equal(attribute(request, 'holdfast.account'), 'ann');
  const parentOf = (span: Span | undefined): Span | undefined =>
    own.find(({ spanId }) => spanId === span?.parentSpanId);
  const way = ['upload receive', 'upload inspect', 'upload store', 'upload publish'];
  for (const name of way) assert.equal(parentOf(named(name))?.name, 'upload whole', name);
  assert.equal(parentOf(named('upload whole')), request);
  assert.equal(parentOf(named('publish intake'))?.name, 'upload publish');
  assert.equal(parentOf(named('publish whole'))?.name, 'upload publish');
  for (const name of ['publish sign', 'publish record', 'publish store'])
    assert.equal(parentOf(named(name))?.name, 'publish whole', name);
  const calls = own.filter(({ name }) => /^(objects put|records insert|records commit)$/.test(name));
  const callers = new Set(calls.map((span) => `${span.name} < ${parentOf(span)?.name}`));
  for (const call of ['objects put < upload store', 'objects put < publish store', 'records commit < publish record'])
    assert.ok(callers.has(call), [...callers].join('\n'));
  for (const span of own) {
    const parent = parentOf(span);
    if (parent) assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(parent.startTimeUnixNano), span.name);
  }
  assert.equal(lines.find(({ msg }) => msg === 'request')?.['trace'], TRACE);
});

test('uploads that are published together are linked from one publication', async (t) => {
  const { tracer, spans, close } = await tracing(t);
  const served = await serveIndex(t, { tracer }, { tracer });
  const wheels = Array.from({ length: 12 }, (_, i) => makeWheel({ version: `${i}.0` }));
  for (const answer of await Promise.all(wheels.map((wheel) => upload(served, wheel))))
    assert.equal(answer.status, 200);
  await served.close();
  await close();
  const uploads = new Set(spans.filter(({ name }) => name === 'POST /legacy').map(({ traceId }) => traceId));
  assert.equal(uploads.size, 12);
  const reached = new Set<string>();
  for (const span of spans.filter(({ name }) => name === 'publish whole')) {
    reached.add(span.traceId);
    for (const { traceId } of span.links ?? []) reached.add(traceId);
  }
  assert.deepEqual(
    [...uploads].filter((traceId) => !reached.has(traceId)),
    [],
  );
});

test('a failure is told in a trace by its code, and no secret or message gets there', async (t) => {
  const { tracer, spans, close } = await tracing(t);
  const served = await serveIndex(t, { tracer }, { tracer });
  const secret = 'hf_CANARY0CANARY0CANARY0CANARY0CANARY0';
  await upload({ ...served, token: secret }, makeWheel());
  await upload(served, { ...makeWheel(), bytes: Buffer.from(secret) }, { version: '1.0' });
  served.index.catalog.projectPage = async () => Promise.reject(new Error(`not to be shown ${secret}`));
  assert.equal((await rawRequest(`${served.url}/simple/demo/?${secret}`)).status, 500);
  await served.close();
  await close();
  const statuses = spans.filter(({ kind }) => kind === 2).map((span) => attribute(span, 'http.response.status_code'));
  assert.deepEqual(new Set(statuses), new Set([400, 403, 500]));
  assert.ok(spans.some((span) => span.name === 'upload inspect' && span.status.code === 2));
  assert.doesNotMatch(JSON.stringify(spans), /CANARY|not to be shown/);
});

test('a sampler keeps what it is told to; a caller who sampled is followed', async (t) => {
  const { tracer, spans, close } = await tracing(t, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
  const served = await serveIndex(t, { tracer }, { tracer });
  await rawRequest(`${served.url}/simple/`);
  await rawRequest(`${served.url}/simple/`, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
  await served.close();
  await close();
  assert.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([TRACE]));
});

test('without an endpoint nothing is traced, and what cannot be done is refused in a sentence', async () => {
  assert.equal(await openTracer({}), undefined);
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  assert.equal(await openTracer({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), undefined);
  assert.equal(await openTracer({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), undefined);
  const refused = { code: 'INVALID_TRACING' };
  await assert.rejects(openTracer({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), refused);
  await assert.rejects(openTracer({ ...endpoint, OTEL_TRACES_SAMPLER: 'sometimes' }), refused);
  await assert.rejects(
    openTracer({ ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }),
    refused,
  );
});

test('an index without a collector goes on, and ends in time', async (t) => {
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1';
  t.after(() => delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  const tracer = await openTracer(process.env);
  const served = await serveIndex(t, { tracer }, { tracer });
  assert.equal((await upload(served, makeWheel())).status, 200);
  await served.close();
  const began = performance.now();
  await tracer?.close();
  assert.ok(performance.now() - began < 5_000);
});

test('without the packages an index serves all the same, and one that is to be traced says what is missing', async () => {
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        return next(/opentelemetry.(sdk|resources|exporter)/.test(specifier) ? \`\${specifier}-not-installed\` : specifier, context);
      },
    });
    const { openTracer, startServer } = await import('@holdfast/index');
    const none = await openTracer({});
    const error = await openTracer({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }).catch((error) => error);
    console.log(JSON.stringify([none === undefined, typeof startServer, error.code]));
  `;
  const args = ['--conditions=holdfast-source', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  assert.deepEqual(JSON.parse(stdout), [true, 'function', 'TRACING_UNAVAILABLE']);
});
