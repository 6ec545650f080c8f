import {
  createLogger,
  LOG_LEVELS,
  type LogLevel,
  openIndex,
  openTracer,
  startMetricsServer,
  startServer,
} from '@holdfast/index';
import { duration, integer, readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { readPassphrase } from '../passphrase.ts';
import { untilStopped } from '../signals.ts';
import { print } from '../terminal.ts';

export const serve: Command = {
  name: 'serve',
  usage: 'DIRECTORY [--host ADDRESS] [--port PORT] [--public-url URL] [OPTION]…',
  summary: 'serve an index',
  details: [
    '  --host ADDRESS            127.0.0.1',
    '  --port PORT               8080; 0 takes a free one',
    '  --public-url URL          where people reach it, when a web server stands in front',
    '  --metrics-port PORT       where Prometheus may ask for /metrics, at the same address; 0 takes a free one',
    '  --passphrase-file FILE    passphrase of the online key; or HOLDFAST_PASSPHRASE, or it is asked for',
    '  --no-sign                 never sign: another machine does, which shares database and bucket; needs no key here',
    '  --drain TIME              at the first SIGTERM, go on for so long while /readyz says 503, such as 10s (not at all)',
    '  --log-level LEVEL         debug also tells who reads; info; warn; error',
    'Logs are lines of JSON on standard error. OTEL_EXPORTER_OTLP_ENDPOINT switches traces on.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string' },
        'public-url': { type: 'string' },
        'metrics-port': { type: 'string' },
        'log-level': { type: 'string', default: 'info' },
        'passphrase-file': { type: 'string' },
        drain: { type: 'string' },
        'no-sign': { type: 'boolean', default: false },
      },
      ['DIRECTORY'],
    );
    const port = integer(options, 'port', { least: 0, most: 65_535, otherwise: 8080 });
    const metricsPort = integer(options, 'metrics-port', { least: 0, most: 65_535, otherwise: -1 });
    const publicUrl = text(options, 'public-url');
    const host = text(options, 'host') ?? '127.0.0.1';
    const drainMs = text(options, 'drain') === undefined ? 0 : duration(options, 'drain', 0) * 1000;
    const passphrase =
      options.get('no-sign') === true
        ? undefined
        : await readPassphrase({
            file: text(options, 'passphrase-file'),
            variable: 'HOLDFAST_PASSPHRASE',
            prompt: 'Passphrase of the online key',
          });
    const logger = createLogger(logLevel(text(options, 'log-level')));
    const tracer = await openTracer(process.env);
    const index = await openIndex(positionals[0] ?? '', { passphrase, logger, tracer });
    try {
      const server = await startServer(index, {
        host,
        port,
        logger,
        observer: index.metrics,
        tracer,
        drainMs,
        ...(publicUrl !== undefined && { publicUrl }),
      });
      // Listening for signals first: whoever reads the line may send one at once.
      const stopped = untilStopped();
      const metrics =
        metricsPort < 0 ? undefined : await startMetricsServer(index.metrics, { host, port: metricsPort });
      if (metrics) print(`Metrics at ${metrics.url}`);
      print(`Serving at ${server.url}`);
      await stopped;
      await server.close();
      await metrics?.close();
      return 0;
    } finally {
      await index.close();
      await tracer?.close();
    }
  },
};

function logLevel(given: string | undefined): LogLevel {
  const level = LOG_LEVELS.find((known) => known === given);
  if (!level) throw new UsageError(`--log-level takes one of ${LOG_LEVELS.join(', ')}, not "${given}"`);
  return level;
}
