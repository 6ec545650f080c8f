import { type DestinationStream, type Logger, pino } from 'pino';

/** From what is only for a search for errors to what ends the process. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Nothing here is given a secret to log. This is the second line: an API token in a path or a message, and the
 * credentials of a URL or of an Authorization field, are cut out of the finished line, wherever they came from.
 */
const SECRETS = /\bhf_[0-9A-Za-z]{16,}|(?<=\b(?:Basic|Bearer) )[\w+/=.~-]{8,}|(?<=:\/\/)[^\s/"@]{1,512}(?=@)/g;

/** Logs as lines of JSON on standard error, where nothing that a command prints gets in between. */
export function createLogger(
  level: LogLevel = 'info',
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino({ level, hooks: { streamWrite: withoutSecrets } }, destination);
}

/** Exported for its test. */
export function withoutSecrets(line: string): string {
  return line.replaceAll(SECRETS, '[secret]');
}
