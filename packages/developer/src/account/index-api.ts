import {
  basicAuthorization,
  DEFAULT_LIMITS,
  type FetchLimits,
  InvalidInputError,
  type OpenResponse,
  parseMirrorUrl,
  readSmallBody,
  sendOnce,
  takeCredentials,
} from '@holdfast/installer';
import { encodeJson, type JsonObject, parseJson, toJson } from '@holdfast/tuf';
import { TokenMissingError, UnexpectedAnswerError } from '../errors.ts';
import { asObject } from '../json-fields.ts';
import { problemOf } from './problem.ts';

export interface IndexApiOptions {
  /** Where the index is, as people give it to pip; credentials in it are not used. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly limits?: FetchLimits;
  /** Default: the environment of this process, for the proxies in it. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface CallOptions {
  /** Bytes of the answer, at most. Default 1 MiB. */
  readonly maxLength?: number;
  readonly signal?: AbortSignal;
}

/** An accepted answer. */
export interface ApiAnswer {
  /** 200 to 299. */
  readonly status: number;
  readonly body: JsonObject;
}

export interface Upload {
  readonly contentType: string;
  /** Bytes of `body`. */
  readonly length: number;
  readonly body: AsyncIterable<Uint8Array>;
}

const MAX_ANSWER_BYTES = 1 << 20;
/** An index answers when what was sent is in signed metadata, and others may be before it. */
const ANSWER_MS = 180_000;
const THIS_MACHINE = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * The programs' side of one index: JSON below `/api/v1/`, and uploads. Nothing that it answers is trusted by itself: what is
 * published, and by whom, is read from verified metadata.
 */
export class IndexApi {
  /** The index's address; ends with a slash, without credentials. */
  readonly url: string;
  readonly #authorization: string | undefined;
  readonly #limits: FetchLimits;
  readonly #environment: NodeJS.ProcessEnv;

  /** @throws InvalidInputError when the token would travel unencrypted to another machine */
  constructor({ url, token, limits = DEFAULT_LIMITS, environment = process.env }: IndexApiOptions) {
    const bare = takeCredentials(parseMirrorUrl(url)).url;
    if (token !== undefined && bare.protocol !== 'https:' && !THIS_MACHINE.test(bare.hostname))
      throw new InvalidInputError('address', bare.href, 'a token is sent over https only, except to this machine');
    this.url = bare.href;
    this.#authorization =
      token === undefined ? undefined : basicAuthorization({ username: '__token__', password: token });
    this.#limits = limits;
    this.#environment = environment;
  }

  /**
   * @param path relative, percent-encoded: `api/v1/account`
   * @throws RefusedError, TokenRefusedError, TokenMissingError, IndexBusyError, UnexpectedAnswerError, UnreachableError
   */
  async get(path: string, options: CallOptions = {}): Promise<JsonObject> {
    return (await this.#call('GET', path, undefined, options)).body;
  }

  /** Sends a tree of plain objects, arrays and Maps as JSON. Never repeated by itself. @throws as {@link get}, ConflictError */
  post(path: string, body: unknown, options: CallOptions = {}): Promise<ApiAnswer> {
    return this.#call('POST', path, body, options);
  }

  delete(path: string, body: unknown, options: CallOptions = {}): Promise<ApiAnswer> {
    return this.#call('DELETE', path, body, options);
  }

  /** Sends a form with a file; resolves with what the index says about it. @throws as {@link get}, ConflictError */
  async upload(path: string, { contentType, length, body }: Upload, options: CallOptions = {}): Promise<string> {
    const headers = { 'content-type': contentType, 'content-length': String(length) };
    const { bytes } = await this.#send('POST', path, { headers, body }, options);
    return new TextDecoder().decode(bytes);
  }

  async #call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
    options: CallOptions,
  ): Promise<ApiAnswer> {
    const json = body === undefined ? undefined : encodeJson(toJson(body));
    const headers = json && { 'content-type': 'application/json' };
    const { status, bytes } = await this.#send(method, path, { headers, body: json }, options);
    try {
      return { status, body: asObject(parseJson(bytes), 'the answer') };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UnexpectedAnswerError(new URL(path, this.url).href, why, { cause });
    }
  }

  async #send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    content: { headers: Record<string, string> | undefined; body: Uint8Array | AsyncIterable<Uint8Array> | undefined },
    { maxLength = MAX_ANSWER_BYTES, signal }: CallOptions,
  ): Promise<{ status: number; bytes: Uint8Array }> {
    const response = await sendOnce(new URL(path, this.url), {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...content.headers,
        ...(this.#authorization !== undefined && { authorization: this.#authorization }),
      },
      body: content.body,
      limits: this.#limits,
      answerMs: ANSWER_MS,
      environment: this.#environment,
      signal,
    });
    const bytes = await readSmallBody(response, maxLength, this.#limits);
    this.#check(response, bytes);
    return { status: response.status, bytes };
  }

  #check(response: OpenResponse, bytes: Uint8Array): void {
    const { status } = response;
    if (status >= 200 && status < 300) return;
    if (status === 401 && this.#authorization === undefined) throw new TokenMissingError(this.url);
    throw problemOf(response, bytes);
  }
}
