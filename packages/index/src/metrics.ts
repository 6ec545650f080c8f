import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CacheCounts } from './byte-lru.ts';
import type { Answered } from './http/access-log.ts';
import type { UploadLoad } from './upload/endpoint.ts';
import type { Step } from './watch.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** A point read in SQLite takes some ten microseconds. */
const SHORT_SECONDS = [0.000025, 0.0001, 0.00025, ...SECONDS];

/**
 * What an operator's Prometheus may ask of an index. Names and meanings: docs/guides/operator.md. A scrape costs the same
 * however large the index is.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #phases = this.#histogram('holdfast_publish_phase_seconds', 'Time of each part of a publication', ['phase']);
  readonly #uploads = this.#histogram('holdfast_upload_phase_seconds', 'Time of each part of an upload', ['phase']);
  readonly #requests = this.#histogram(
    'holdfast_http_request_seconds',
    'Time from the head of a request to the end of its answer',
    ['route', 'status'],
  );
  readonly #stores = this.#histogram(
    'holdfast_store_seconds',
    'Time of each call of the records and of the object store',
    ['store', 'operation'],
    SHORT_SECONDS,
  );
  readonly #failures = new Counter({
    name: 'holdfast_store_failures_total',
    help: 'Calls of the records and of the object store that failed',
    labelNames: ['store', 'operation'],
    registers: [this.#registry],
  });
  readonly #published = new Counter({
    name: 'holdfast_changes_published_total',
    help: 'Uploads, yanks and deletions that became visible in signed metadata',
    registers: [this.#registry],
  });
  readonly #publishFailures = new Counter({
    name: 'holdfast_publish_failures_total',
    help: 'Publications that failed and are tried again',
    registers: [this.#registry],
  });
  readonly #scrubbed = new Counter({
    name: 'holdfast_roles_scrubbed_total',
    help: 'Objects of published roles that were compared with what was signed',
    registers: [this.#registry],
  });
  readonly #damaged = new Counter({
    name: 'holdfast_roles_damaged_total',
    help: 'Those of them that were lost or changed, and are signed anew',
    registers: [this.#registry],
  });
  readonly #caches = new Map<string, CacheCounts>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.#cacheRequests();
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  /** A step that has ended. */
  step({ part, operation }: Step, seconds: number, failed: boolean): void {
    if (part === 'records' || part === 'objects') {
      this.#stores.observe({ store: part, operation }, seconds);
      if (failed) this.#failures.inc({ store: part, operation });
    } else if (!failed) {
      (part === 'publish' ? this.#phases : this.#uploads).observe({ phase: operation }, seconds);
    }
  }

  published(changes: number): void {
    this.#published.inc(changes);
  }

  publishFailed(): void {
    this.#publishFailures.inc();
  }

  scrubbed(looked: number, damaged: number): void {
    this.#scrubbed.inc(looked);
    this.#damaged.inc(damaged);
  }

  /** An answer that has ended. */
  answered({ route, status, seconds }: Answered): void {
    this.#requests.observe({ route, status }, seconds);
  }

  /** Counts that are asked for at each scrape. */
  cache(name: string, counts: CacheCounts): void {
    this.#caches.set(name, counts);
  }

  uploads(load: () => UploadLoad): void {
    this.gauge('holdfast_uploads_receiving', 'Uploads that are being received', () => load().receiving);
    this.gauge('holdfast_uploads_queued', 'Uploads that wait until others were received', () => load().queued);
    this.gauge('holdfast_spool_bytes', 'Bytes of uploads that are not stored yet', () => load().spoolBytes);
  }

  /** A number that is asked for at each scrape; `undefined` leaves it out. */
  gauge(name: string, help: string, value: () => number | undefined | Promise<number | undefined>): void {
    this.gauges(name, help, [], async () => [[{}, await value()]]);
  }

  /** The same for several labels, in one question. */
  gauges<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    values: () => Promise<readonly (readonly [Partial<Record<L, string>>, number | undefined])[]>,
  ): void {
    const gauge: Gauge<L> = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: async () => {
        gauge.reset();
        for (const [labels, value] of await values()) {
          if (value === undefined) gauge.remove(labels);
          else gauge.set(labels, value);
        }
      },
    });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets = SECONDS): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }

  #cacheRequests(): void {
    const counter: Counter<'cache' | 'result'> = new Counter({
      name: 'holdfast_cache_requests_total',
      help: 'Questions to a cache in memory, answered by it (hit) or not (miss)',
      labelNames: ['cache', 'result'],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [cache, { hits, misses }] of this.#caches) {
          counter.inc({ cache, result: 'hit' }, hits);
          counter.inc({ cache, result: 'miss' }, misses);
        }
      },
    });
  }
}
