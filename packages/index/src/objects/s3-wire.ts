import { Agent as PlainAgent, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SignatureV4 } from '@smithy/signature-v4';
import { ObjectStoreError, ObjectTooLargeError } from '../errors.ts';
import { CONNECT_MS, IDLE_MS, MAX_CONNECTIONS, type S3Sdk } from './s3-client.ts';

/** Milliseconds that one request may take whose content is in memory. */
export const ATTEMPT_MS = 60_000;
/** Bytes of the answer to a request that failed. */
const MAX_REFUSAL = 64 * 1024;
const NOTHING = new Uint8Array();

/** Where the SDK sends the requests for a bucket, and as what it signs them. */
interface Place {
  readonly address: RequestOptions & { readonly protocol: string; readonly hostname: string };
  readonly host: string;
  /** Before the key; ends with a slash. */
  readonly path: string;
  readonly region: string;
  readonly service: string;
}

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly key: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of the answer's content. */
  readonly maxLength?: number;
}

export interface WireAnswer {
  /** As the service sent it; empty when it sent none. */
  readonly tag: string;
  /** `Content-Length`: with HEAD, of the object. */
  readonly length: number | undefined;
  readonly bytes: Uint8Array;
}

/** What a service answers other than success, in the shape of the SDK's errors. */
class Refusal extends Error {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(status: number, name: string) {
    super(`${status} ${name}`);
    this.name = name;
    this.$metadata = { httpStatusCode: status };
  }
}

/**
 * The requests of which there are several for each upload, past the layers of the SDK: it takes half a millisecond for one, and this a
 * fraction of that. Where they go, as what they are signed and with whose credentials, the SDK says; its own signer signs them.
 */
export class S3Wire {
  readonly #place: Place;
  readonly #signer: SignatureV4;

  private constructor(place: Place, signer: SignatureV4) {
    this.#place = place;
    this.#signer = signer;
  }

  static async open(sdk: S3Sdk, client: S3Client, bucket: string): Promise<S3Wire> {
    const place = await placeOf(sdk, client, bucket);
    const { SignatureV4: Signer } = await import('@smithy/signature-v4');
    const { credentials, sha256 } = client.config;
    const { region, service } = place;
    return new S3Wire(place, new Signer({ credentials, sha256, region, service, uriEscapePath: false }));
  }

  /** @throws ObjectTooLargeError, or an error that `s3-failure.ts` understands */
  async send(asked: WireRequest): Promise<WireAnswer> {
    const { method, key, headers, body = NOTHING } = asked;
    const { address, host, path: before } = this.#place;
    const path = before + encodeKey(key);
    const { protocol, hostname } = address;
    const unsigned = { method, protocol, hostname, path, headers: { ...headers, host }, body };
    const signed = await this.#signer.sign(unsigned);
    if (method === 'PUT') signed.headers['content-length'] = String(body.length);
    const { answer, bytes } = await exchange({ ...address, method, path, headers: signed.headers }, body, (answer) =>
      readAnswer(answer, asked),
    );
    if (!isSuccess(answer)) throw refusal(answer, bytes);
    const length = answer.headers['content-length'];
    return { tag: answer.headers.etag ?? '', length: length === undefined ? undefined : Number(length), bytes };
  }
}

/** Looks at a request of the SDK that is signed and not sent. */
async function placeOf(sdk: S3Sdk, client: S3Client, bucket: string): Promise<Place> {
  const key = 'x';
  const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: key });
  let request: unknown;
  command.middlewareStack.add(
    () => (args) => {
      ({ request } = args);
      return Promise.resolve({ response: undefined, output: { $metadata: {} } });
    },
    { step: 'deserialize', priority: 'high' },
  );
  await client.send(command);
  if (!isSigned(request)) throw new TypeError('the SDK makes requests of another kind');
  const { protocol, hostname, port, path, headers } = request;
  const [, region, service] =
    /Credential=[^,]*\/([^/,]+)\/([^/,]+)\/aws4_request/.exec(headers['authorization'] ?? '') ?? [];
  if (
    region === undefined ||
    service === undefined ||
    headers['x-amz-s3session-token'] !== undefined ||
    !path.endsWith(`/${key}`)
  )
    throw new ObjectStoreError(bucket, 'a kind of bucket that is not signed for with Signature Version 4', undefined);
  const secure = protocol === 'https:';
  const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS };
  const agent = secure ? new TlsAgent(pool) : new PlainAgent(pool);
  return {
    address: { agent, protocol, hostname, ...(port !== undefined && { port }) },
    host: headers['host'] ?? hostname,
    path: path.slice(0, -key.length),
    region,
    service,
  };
}

interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function isSigned(request: unknown): request is SignedRequest {
  return typeof request === 'object' && request !== null && 'hostname' in request && 'headers' in request;
}

/** Of what keys may hold, a plus sign and an exclamation mark are not sent as they are. */
function encodeKey(key: string): string {
  return key.replaceAll('+', '%2B').replaceAll('!', '%21');
}

async function exchange(
  options: RequestOptions,
  body: Uint8Array,
  read: (answer: IncomingMessage) => Promise<Uint8Array>,
): Promise<{ readonly answer: IncomingMessage; readonly bytes: Uint8Array }> {
  const late = (what: string): Error => Object.assign(new Error(what), { code: 'ETIMEDOUT' });
  return new Promise((resolve, reject) => {
    const request = (options.protocol === 'https:' ? tlsRequest : plainRequest)(options);
    const end = setTimeout(() => request.destroy(late('The answer did not come in time.')), ATTEMPT_MS);
    const settle = (outcome: () => void): void => {
      clearTimeout(end);
      outcome();
    };
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const connect = setTimeout(() => socket.destroy(late('No connection came about in time.')), CONNECT_MS);
      socket.once('connect', () => clearTimeout(connect)).once('close', () => clearTimeout(connect));
    });
    request.on('timeout', () => request.destroy(late('The connection stood still.')));
    request.on('error', (error) => settle(() => reject(error)));
    request.on('response', (answer) => {
      read(answer).then(
        (bytes) => settle(() => resolve({ answer, bytes })),
        (error: unknown) => {
          request.destroy();
          settle(() => reject(error));
        },
      );
    });
    request.end(body);
  });
}

/** The content of an answer that is as long as it may be; of a refusal, its beginning. */
function readAnswer(answer: IncomingMessage, { method, key, maxLength = 0 }: WireRequest): Promise<Uint8Array> {
  const { 'content-length': announced } = answer.headers;
  const tooLarge = (bytes: number): ObjectTooLargeError => new ObjectTooLargeError(key, bytes);
  const wanted = method === 'GET' && isSuccess(answer);
  const most = wanted ? maxLength : MAX_REFUSAL;
  return new Promise((resolve, reject) => {
    if (wanted && announced === undefined) return reject(tooLarge(Number.POSITIVE_INFINITY));
    if (wanted && Number(announced) > most) return reject(tooLarge(Number(announced)));
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= most) chunks.push(chunk);
      else if (wanted) reject(tooLarge(length));
    });
    answer.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    answer.on('error', reject);
  });
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function refusal({ statusCode = 0 }: IncomingMessage, bytes: Uint8Array): Refusal {
  const [, code] = /<Code>([A-Za-z0-9._-]{1,100})<\/Code>/.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  return new Refusal(statusCode, code ?? (statusCode === 404 ? 'NotFound' : 'Unknown'));
}
