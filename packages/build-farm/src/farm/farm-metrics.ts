import type { FarmEvent } from './events.ts';
import type { BuildRecord, BuildStanding } from './build-record.ts';

const STANDINGS: readonly BuildStanding[] = ['building', 'built', 'waiting', 'published', 'failed', 'differs'];
const PREFIX = 'holdfast_build_farm';

/** What a Prometheus may know of a farm: docs/guides/build-farm.md. Counters begin anew with the process. */
export class FarmMetrics {
  readonly #counts = new Map<FarmEvent['event'], number>();
  readonly #failures = new Map<string, number>();
  #seconds = 0;

  count(happened: FarmEvent): void {
    this.#counts.set(happened.event, this.#of(happened.event) + 1);
    if (happened.event === 'built') this.#seconds += happened.seconds;
    if (happened.event === 'failed') this.#failures.set(happened.code, (this.#failures.get(happened.code) ?? 0) + 1);
  }

  /** In the text format of Prometheus. @param lastRound when the last round ended */
  text(builds: readonly BuildRecord[], lastRound: Date): string {
    const standing = (name: BuildStanding): number => builds.filter((each) => each.standing === name).length;
    return [
      ...family(
        'builds',
        'gauge',
        'Sdists by where their wheels stand',
        STANDINGS.map((name) => [`{standing="${name}"}`, standing(name)]),
      ),
      ...family('build_seconds_sum', 'counter', 'Time of builds that made a wheel', [['', this.#seconds]]),
      ...family('build_seconds_count', 'counter', 'Builds that made a wheel', [['', this.#of('built')]]),
      ...family(
        'failures_total',
        'counter',
        'Builds that made none',
        Array.from(this.#failures, ([code, count]) => [`{code="${code}"}`, count]),
      ),
      ...family('published_total', 'counter', 'Transactions that were published', [['', this.#of('published')]]),
      ...family('not_reproduced_total', 'counter', 'Wheels that another farm has with other bytes', [
        ['', this.#of('differs')],
      ]),
      ...family('troubles_total', 'counter', 'Times that something failed that is no build', [
        ['', this.#of('trouble')],
      ]),
      ...family('last_round_timestamp_seconds', 'gauge', 'When the last round ended', [
        ['', lastRound.getTime() / 1000],
      ]),
      '',
    ].join('\n');
  }

  #of(event: FarmEvent['event']): number {
    return this.#counts.get(event) ?? 0;
  }
}

function family(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] {
  const full = `${PREFIX}_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...samples.map(([labels, value]) => `${full}${labels} ${value}`),
  ];
}
