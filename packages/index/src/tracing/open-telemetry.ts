import type { Context, Span, Tracer as ApiTracer } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace';
import { InvalidTracingError, TracingUnavailableError } from '../errors.ts';
import { currentTrace, inTrace } from '../request-context.ts';
import type { Attributes, OpenSpan, SpanOptions, Trace, Tracer } from './tracer.ts';

/** Milliseconds that the last spans may take on their way when the server ends. */
const CLOSE_MS = 3_000;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

type Loaded = Awaited<ReturnType<typeof load>>;

/**
 * The tracer that the standard variables of OpenTelemetry ask for, or `undefined` when they ask for none:
 * `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) switches it on; `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER=none`,
 * `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and those of the exporter mean what they always do.
 * @throws TracingUnavailableError when the packages for it are not installed
 * @throws InvalidTracingError when a variable asks for what there is not
 */
export async function openTracer(variables: NodeJS.ProcessEnv): Promise<Tracer | undefined> {
  const endpoint = variables['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || variables['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const off = variables['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || variables['OTEL_TRACES_EXPORTER'] === 'none';
  if (!endpoint || off) return undefined;
  const protocol =
    variables['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || variables['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/json';
  if (protocol !== 'http/json') throw new InvalidTracingError('OTEL_EXPORTER_OTLP_PROTOCOL', protocol, 'http/json');
  const loaded = await load();
  const { sdk, resources, exporter } = loaded;
  const service = resources.resourceFromAttributes({ 'service.name': 'holdfast' });
  const chosen = resources.detectResources({ detectors: [resources.envDetector] });
  const provider = new sdk.TracerProvider({
    resource: service.merge(chosen),
    sampler: samplerOf(sdk, variables),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new exporter.OTLPTraceExporter() })],
  });
  return new OpenTelemetryTracer(loaded.api, provider.getTracer('holdfast'), () => provider.shutdown());
}

/** The packages, loaded by nobody else. */
async function load() {
  try {
    const [api, sdk, resources, exporter] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    return { api, sdk, resources, exporter };
  } catch (cause) {
    throw new TracingUnavailableError({ cause });
  }
}

/** The samplers that the specification names, where a request that came with a decision keeps it unless told otherwise. */
function samplerOf(sdk: Loaded['sdk'], variables: NodeJS.ProcessEnv): Sampler {
  const name = variables['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  const ratio = Number(variables['OTEL_TRACES_SAMPLER_ARG'] || '1');
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new InvalidTracingError('OTEL_TRACES_SAMPLER_ARG', String(variables['OTEL_TRACES_SAMPLER_ARG']), '0 to 1');
  }
  const roots = new Map<string, Sampler>([
    ['always_on', new sdk.AlwaysOnSampler()],
    ['always_off', new sdk.AlwaysOffSampler()],
    ['traceidratio', new sdk.TraceIdRatioBasedSampler(ratio)],
  ]);
  const root = roots.get(name.replace('parentbased_', ''));
  if (!root) {
    const known = [...roots.keys()].flatMap((each) => [each, `parentbased_${each}`]).join(', ');
    throw new InvalidTracingError('OTEL_TRACES_SAMPLER', name, known);
  }
  return name.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root }) : root;
}

/** A trace as this tracer knows it. */
interface ContextTrace extends Trace {
  readonly context: Context;
  readonly span: Span;
}

class OpenTelemetryTracer implements Tracer {
  readonly #api: Loaded['api'];
  readonly #tracer: ApiTracer;
  readonly #shutdown: () => Promise<void>;

  constructor(api: Loaded['api'], tracer: ApiTracer, shutdown: () => Promise<void>) {
    this.#api = api;
    this.#tracer = tracer;
    this.#shutdown = shutdown;
  }

  async run<T>(options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const { SpanKind, SpanStatusCode, trace } = this.#api;
    const parent = this.#parentOf(options);
    const links = (options.links ?? []).map((each) => ({ context: (each as ContextTrace).span.spanContext() }));
    const kind = options.kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL;
    const span = this.#tracer.startSpan(options.name, { kind, links }, parent);
    setAttributes(span, options.attributes ?? {});
    const own: ContextTrace = {
      traceId: span.spanContext().traceId,
      context: trace.setSpan(parent, span),
      span,
    };
    try {
      return await inTrace(own, () => work({ trace: own, set: (attributes) => setAttributes(span, attributes) }));
    } catch (error) {
      // Not its message: that may quote what a client sent.
      setAttributes(span, { 'error.type': nameOf(error) });
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  async close(): Promise<void> {
    const timeout = AbortSignal.timeout(CLOSE_MS);
    const late = new Promise<void>((resolve) => timeout.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#shutdown().catch(() => {}), late]); // What nobody received is not worth an error now.
  }

  #parentOf({ parent, traceparent }: SpanOptions): Context {
    const { ROOT_CONTEXT, trace } = this.#api;
    const within = (parent ?? currentTrace()) as ContextTrace | undefined;
    if (within) return within.context;
    const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
    const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return this.#api.isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
  }
}

function setAttributes(span: Span, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.setAttribute(name, value);
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
