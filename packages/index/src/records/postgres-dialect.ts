import { type Driver, PostgresDialect, type PostgresDialectConfig } from 'kysely';
import type { Client, ClientBase, Pool } from 'pg';
import type { Watch } from '../watch.ts';
import { GuardedDriver } from './guarded-driver.ts';
import { isBrokenConnection, isSilence, postgresError } from './postgres-error.ts';
import { type Patience, patienceOf } from './postgres-location.ts';
import { RetryingDriver } from './retrying-driver.ts';

/** Milliseconds until a connection must stand, or one of the pool be free. */
const CONNECT_MS = 10_000;
/** Milliseconds that one statement may take; those of the index take a few. */
const STATEMENT_MS = 30_000;
/** Milliseconds after which the server is taken for gone that does not even say that a statement took too long. */
const SILENCE_MS = 45_000;
/** Milliseconds that a transaction waits for that of another process. */
const LOCK_MS = 10_000;
/**
 * Milliseconds that a transaction may stand open without a statement. One that writes keeps all others waiting: of a process
 * that was stopped in the middle of one, the server ends the session, before a stand-by takes over.
 */
const IDLE_IN_TRANSACTION_MS = 2_000;

const PATIENCE: Patience = { connect: CONNECT_MS, statement: STATEMENT_MS, silence: SILENCE_MS };

/** A server whose client's machine went away closes the connection, and gives its locks free, after some 25 seconds. */
const NOTICE_DEAD_CLIENTS =
  'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3';

/** Loads the client of PostgreSQL, which is loaded by nobody else. `prepare` runs first on each new connection. */
export async function makePool(
  location: string,
  most: number,
  prepare: (client: ClientBase) => Promise<unknown>,
  longest: Patience = PATIENCE,
): Promise<Pool> {
  const { server, patience } = patienceOf(location, longest);
  const { default: pg } = await import('pg');
  const types = new pg.TypeOverrides();
  for (const type of [pg.types.builtins.INT8, pg.types.builtins.NUMERIC]) types.setTypeParser(type, parseWhole);
  const pool = new pg.Pool({
    Client: promptClient(pg.Client),
    connectionString: server,
    application_name: 'holdfast',
    max: most,
    connectionTimeoutMillis: patience.connect,
    idleTimeoutMillis: 0,
    keepAlive: true,
    statement_timeout: patience.statement,
    query_timeout: patience.silence,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    types,
    // The pool waits for the promise; its type does not say so.
    // oxlint-disable-next-line typescript/no-misused-promises
    onConnect: async (client: ClientBase): Promise<void> => {
      client.on('error', () => {}); // Whoever uses the connection is told by the statement.
      await client.query(NOTICE_DEAD_CLIENTS);
      await prepare(client);
    },
  });
  pool.on('error', () => {}); // A connection that nobody used broke. The next user gets a new one.
  return pool;
}

/**
 * A connection that did not answer in time is ended, so that the pool makes another one. The client of PostgreSQL would keep it, and
 * whatever is asked next would wait behind what was never answered: for a quarter of an hour, where the network drops what is sent.
 */
function promptClient(Plain: typeof Client): typeof Client {
  return class PromptClient extends Plain {
    constructor(...options: ConstructorParameters<typeof Client>) {
      super(...options);
      const ask = this.query.bind(this);
      const promptly = (...question: Parameters<typeof ask>): unknown => {
        const answer: unknown = ask(...question);
        if (answer instanceof Promise)
          answer.catch((error: unknown) => {
            if (isSilence(error)) this.end().catch(() => {});
          });
        return answer;
      };
      this.query = promptly as typeof this.query; // Its type lists one way to ask after the other.
    }
  };
}

/** PostgreSQL for kysely. */
export class PostgresPoolDialect extends PostgresDialect {
  readonly #watch: Watch | undefined;

  constructor(config: PostgresDialectConfig, watch?: Watch) {
    super(config);
    this.#watch = watch;
  }

  override createDriver(): Driver {
    return new GuardedDriver(super.createDriver(), this.#watch, postgresError);
  }
}

/** The same for connections that only read. */
export class PostgresReadDialect extends PostgresPoolDialect {
  override createDriver(): Driver {
    return new RetryingDriver(super.createDriver(), isBrokenConnection);
  }
}

/** For what PostgreSQL counts beyond 32 bits: `int8`, and `numeric`, which sums of it are. `Number` would round in silence. */
function parseWhole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${text} is no whole number that can be told from its neighbours`);
}
