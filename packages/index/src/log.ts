import { type Logger, pino } from 'pino';

/** Logs as lines of JSON on standard error, where nothing that a command prints gets in between. */
export function createLogger(): Logger {
  return pino({}, pino.destination({ dest: 2, sync: true }));
}
