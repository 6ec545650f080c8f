import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { MisbehavedError, TooSlowError, UnreachableError, WrongContentError } from '../errors.ts';
import type { Mirror } from './mirror.ts';
import type { OpenResponse } from './origin.ts';
import { paced } from './pace.ts';

/** What signed metadata says about the bytes to fetch. */
export interface Expected {
  /** For messages: the filename. */
  readonly subject: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Continuations of one broken transfer: in all, and in a row that bring less than the least rate allows. */
const MAX_RESUMES = 20;
const MAX_FRUITLESS = 3;

/**
 * Fetches a file from one mirror into an empty file and verifies it completely. A transfer that breaks off is resumed
 * with a Range request; content that turns out wrong is not, and the mirror is not asked again for it.
 * @throws WrongContentError, AbsentError, UnreachableError, MisbehavedError
 */
export async function downloadVerified(
  mirror: Mirror,
  path: string,
  expected: Expected,
  into: FileHandle,
  signal?: AbortSignal,
): Promise<void> {
  let state = { received: 0, hash: createHash('sha256') };
  let fruitless = 0;
  for (let resumes = 0; ; resumes++) {
    const before = state.received;
    const began = performance.now();
    const headers = { 'accept-encoding': 'identity', ...(before > 0 && { range: `bytes=${before}-` }) };
    const response = await mirror.open(path, { headers, signal });
    try {
      state = { ...state, received: continuesAt(response, state.received, expected) };
      if (state.received === 0) state.hash = createHash('sha256');
      await append(response, state, expected, into, mirror);
      break;
    } catch (error) {
      // A byte now and then, with a break before anybody calls it slow, must not buy the next 20 tries.
      const least = ((performance.now() - began) / 1000) * mirror.limits.minimumBytesPerSecond;
      fruitless = state.received > before && state.received - before >= least ? 0 : fruitless + 1;
      const lost = error instanceof TooSlowError || fruitless >= MAX_FRUITLESS || resumes >= MAX_RESUMES;
      if (lost || signal?.aborted || !(error instanceof UnreachableError)) throw error;
    } finally {
      response.body.destroy();
    }
  }
  if (state.received !== expected.size)
    throw new WrongContentError(expected.subject, 'length', String(expected.size), String(state.received));
  const actual = state.hash.digest('hex');
  if (actual !== expected.sha256) throw new WrongContentError(expected.subject, 'sha256', expected.sha256, actual);
}

/** The offset at which the answer goes on: what we have, or 0 when the mirror starts again. */
function continuesAt({ status, headers, url }: OpenResponse, received: number, expected: Expected): number {
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new MisbehavedError(url, 'a distribution file came with a content encoding');
  const at = status === 206 ? received : 0;
  if (status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
    if (received === 0 || Number(start) !== received)
      throw new MisbehavedError(url, 'it sent another range than asked');
    if (Number(total) !== expected.size) throw wrongLength(expected, String(total));
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== expected.size - at)
    throw wrongLength(expected, String(Number(length) + at));
  return at;
}

const wrongLength = ({ subject, size }: Expected, actual: string): WrongContentError =>
  new WrongContentError(subject, 'length', String(size), actual);

async function append(
  response: OpenResponse,
  state: { received: number; hash: Hash },
  expected: Expected,
  into: FileHandle,
  mirror: Mirror,
): Promise<void> {
  for await (const chunk of paced(response.body, response.url, mirror.limits)) {
    if (state.received + chunk.length > expected.size) throw wrongLength(expected, `more than ${expected.size}`);
    state.hash.update(chunk);
    await into.write(chunk, 0, chunk.length, state.received);
    state.received += chunk.length;
  }
}
