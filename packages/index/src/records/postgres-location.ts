import { InvalidLocationError } from '../errors.ts';

const STATEMENT = 'statement_timeout';
const SILENCE = 'query_timeout';

/** Connections to PostgreSQL begin so. */
const PROTOCOLS = new Set(['postgres:', 'postgresql:']);

/**
 * Checks `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`. A location may be logged, so the password stands in
 * `PGPASSWORD`, or is made superfluous by the server's own configuration. `statement_timeout` and `query_timeout` are in milliseconds.
 * @throws InvalidLocationError when it is no location of a database, or holds a secret
 */
export function assertPostgresLocation(text: string): void {
  const url = URL.parse(text);
  if (!url || !PROTOCOLS.has(url.protocol))
    throw new InvalidLocationError('the location of a database begins with postgres://');
  if (url.password !== '' || url.searchParams.has('password')) {
    throw new InvalidLocationError('the location of a database holds no password: PGPASSWORD does');
  }
  if (url.pathname.length < 2)
    throw new InvalidLocationError('the location names no database: postgres://USER@HOST/DATABASE');
  for (const name of [STATEMENT, SILENCE]) {
    const given = url.searchParams.get(name);
    if (given !== null && !/^[1-9]\d{0,7}$/.test(given))
      throw new InvalidLocationError(`${name} of a database is a number of milliseconds`);
  }
}

/** Milliseconds that a pool gives the server: to connect, to answer a statement, and to answer at all. */
export interface Patience {
  readonly connect: number;
  readonly statement: number;
  readonly silence: number;
}

/**
 * Takes `statement_timeout` and `query_timeout` out of a location: they can shorten what the server is given. Left in it they would go
 * before what each pool has to have.
 */
export function patienceOf(location: string, most: Patience): { readonly server: string; readonly patience: Patience } {
  const url = new URL(location);
  const given = (name: string): number => Number(url.searchParams.get(name) ?? Number.POSITIVE_INFINITY);
  const [statement, silence] = [Math.min(most.statement, given(STATEMENT)), Math.min(most.silence, given(SILENCE))];
  const connect = Math.min(most.connect, given(SILENCE));
  for (const name of [STATEMENT, SILENCE]) url.searchParams.delete(name);
  return { server: url.href, patience: { connect, statement, silence } };
}
