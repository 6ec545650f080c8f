import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteFile } from './sqlite-file.ts';
import { sqliteFailure } from './sqlite-error.ts';
import { Statements } from './statements.ts';
import type { WriterReply, WriterRequest } from './writer.ts';

/**
 * The thread that writes: it holds the only writing connection of the process, so that waiting for the disk never holds
 * up a request. It folds the write-ahead log into the file when nothing was asked for a while.
 */

/** A pause this long, in milliseconds, is used for a checkpoint. */
const IDLE_MS = 250;

const port = parentPort;
if (!port) throw new TypeError('the writer runs as a worker thread');
const { path } = workerData as { path: string };

const database = openSqliteFile(path, 'write');
const statements = new Statements(database);
let idle: NodeJS.Timeout | undefined;

port.on('message', (request: WriterRequest) => {
  port.postMessage(answer(request) satisfies WriterReply);
  if (request.sql === undefined) port.close();
});

function answer(request: WriterRequest): WriterReply {
  clearTimeout(idle);
  try {
    if (request.sql === undefined) {
      database.close();
      return { id: request.id, result: { rows: [], changes: 0 } };
    }
    const result = statements.run(request.sql, request.parameters);
    if (request.sql === 'commit') idle = setTimeout(checkpoint, IDLE_MS);
    return { id: request.id, result };
  } catch (error) {
    return { id: request.id, failure: sqliteFailure(error) };
  }
}

/** Passive: it moves what it can without making a reader wait. That it could not is no failure; the log just grows. */
function checkpoint(): void {
  if (!database.isTransaction) database.prepare('pragma wal_checkpoint(passive)').get();
}
