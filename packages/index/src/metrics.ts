import { parseRoot, parseTargets } from '@holdfast/tuf';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PublishPhase } from './publish/publisher.ts';
import type { RoleTable } from './publish/role-table.ts';
import type { Records } from './records/records.ts';

/** What the gauges look at when they are asked. */
export interface Observed {
  readonly records: Records;
  readonly table: RoleTable;
  readonly clock: () => Date;
  /** The newest root and targets. */
  readonly offline: () => Promise<{ readonly root: Uint8Array; readonly targets: Uint8Array | undefined }>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What an operator's Prometheus may ask of an index. Names and meanings: docs/guides/operator.md. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #phases = new Histogram({
    name: 'holdfast_publish_phase_seconds',
    help: 'Time of each step of a publication',
    labelNames: ['phase'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #published = new Counter({
    name: 'holdfast_changes_published_total',
    help: 'Uploads, yanks and deletions that became visible in signed metadata',
    registers: [this.#registry],
  });
  readonly #requests = new Histogram({
    name: 'holdfast_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers: [this.#registry],
  });

  constructor(observed: Observed) {
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('holdfast_roles', 'Roles that the snapshot lists', async () => observed.table.size);
    this.#gauge('holdfast_changes_waiting', 'Changes that are recorded and not in signed metadata yet', () =>
      waiting(observed.records),
    );
    this.#expiries(observed);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  phase(phase: PublishPhase, seconds: number): void {
    this.#phases.observe({ phase }, seconds);
  }

  published(changes: number): void {
    this.#published.inc(changes);
  }

  /** `route` is one of few: the first segment of an address that exists, or `other`. */
  request(route: string, status: number, seconds: number): void {
    this.#requests.observe({ route, status }, seconds);
  }

  #gauge(name: string, help: string, value: () => Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: async () => gauge.set(await value()),
    });
  }

  #expiries({ table, clock, offline }: Observed): void {
    const gauge: Gauge<'role'> = new Gauge({
      name: 'holdfast_expires_in_seconds',
      help: 'Until the metadata that everyone can fetch expires; root and targets need their holders before that',
      labelNames: ['role'],
      registers: [this.#registry],
      collect: async () => {
        const now = clock().getTime();
        const tell = (role: string, expires: number | undefined): void => {
          if (expires !== undefined) gauge.set({ role }, (expires - now) / 1000);
        };
        for (const role of ['timestamp', 'snapshot'] as const) tell(role, table.online(role)?.expiresAt);
        const { root, targets } = await offline();
        tell('root', parseRoot(root).signed.expires.getTime());
        tell('targets', targets && parseTargets(targets).signed.expires.getTime());
      },
    });
  }
}

async function waiting(records: Records): Promise<number> {
  const { count } = await records.read
    .selectFrom('changes')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('publication', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}
