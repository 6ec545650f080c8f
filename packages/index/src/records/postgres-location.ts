import { InvalidLocationError } from '../errors.ts';

/** Connections to PostgreSQL begin so. */
const PROTOCOLS = new Set(['postgres:', 'postgresql:']);

/**
 * Checks `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`. A location may be logged, so the password stands in
 * `PGPASSWORD`, or is made superfluous by the server's own configuration.
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
}
