import type { OpenResponse } from '@holdfast/installer';
import { isJsonObject, type JsonObject, parseJson } from '@holdfast/tuf';
import {
  ConflictError,
  type DeveloperError,
  IndexBusyError,
  RefusedError,
  TokenRefusedError,
  UnexpectedAnswerError,
} from '../errors.ts';

const MAX_SENTENCE = 1000;

/** What an index means that answers with a status of 300 or above; its own words are kept where it gives any (RFC 9457). */
export function problemOf({ status, headers, url }: OpenResponse, bytes: Uint8Array): DeveloperError {
  const problem = readProblem(bytes);
  // Uploads are answered as uploaders expect it: there the code is called `error`, and `code` is for people.
  const code = text(problem, 'error') ?? text(problem, 'code');
  const reason = code ?? `HTTP_${status}`;
  const sentence =
    text(problem, 'detail') ?? text(problem, 'message') ?? text(problem, 'title') ?? `${url} answered HTTP ${status}`;
  if (status < 400) return new UnexpectedAnswerError(url, `it leads elsewhere (HTTP ${status})`);
  // A mirror has files, but nothing that takes requests.
  if (code === undefined && (status === 404 || status === 405))
    return new UnexpectedAnswerError(url, `it does not exist there (HTTP ${status})`);
  if (status === 401 || reason === 'CREDENTIALS_WRONG') return new TokenRefusedError(url, sentence);
  if (status === 409) return new ConflictError(status, reason, sentence);
  if (status >= 500 || status === 408 || status === 429) {
    const seconds = Number(headers['retry-after']);
    return new IndexBusyError(status, reason, sentence, seconds > 0 && seconds < 86_400 ? seconds : undefined);
  }
  return new RefusedError(status, reason, sentence);
}

function readProblem(bytes: Uint8Array): JsonObject {
  try {
    const json = parseJson(bytes);
    return isJsonObject(json) ? json : new Map();
  } catch {
    return new Map(); // a page from something between us and the index: its status has to do
  }
}

/** A server chooses the words: nothing in them may steer a terminal, reorder text or fill the screen. */
function text(problem: JsonObject, name: string): string | undefined {
  const value = problem.get(name);
  if (typeof value !== 'string' || value === '') return undefined;
  return value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_SENTENCE);
}
