import { SignerError } from '../../errors.ts';
import { problemOfHttpStatus } from '../../service-call.ts';

/** How to speak with one Vault; see `VaultSignerOptions`. */
export interface VaultConnection {
  /** For messages: who it is. */
  readonly holder: string;
  /** Ends with `/v1/`. */
  readonly base: URL;
  readonly namespace: string | undefined;
  readonly timeoutMs: number;
  readonly token: () => string | Promise<string>;
  readonly fetch: typeof globalThis.fetch;
}

/** A key with a thousand versions takes about half of it. */
const MAX_ANSWER_BYTES = 1 << 20;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** @throws RangeError unless it is https, or http to this machine, without user, query and fragment */
export function vaultBase(address: string): URL {
  const url = new URL(address);
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (!safe) throw new RangeError(`${url.origin} is not https: the token would be there for all to read`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new RangeError(`${url.origin}: an address has no user, query or fragment`);
  return new URL(`${url.pathname.replace(/\/+$/, '')}/v1/`, url);
}

/**
 * The `data` of Vault's answer: GET without a body, else POST.
 * @throws SignerError
 */
export async function askVault(connection: VaultConnection, path: string, body?: object): Promise<unknown> {
  const headers = await headersOf(connection);
  let response: Response;
  let text: string;
  try {
    response = await connection.fetch(new URL(path, connection.base), {
      headers,
      redirect: 'manual', // the token is for this server only
      signal: AbortSignal.timeout(connection.timeoutMs), // covers the body, too
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    text = await readLimited(connection, response);
  } catch (error) {
    if (error instanceof SignerError) throw error;
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    const detail = late ? `within ${connection.timeoutMs} ms` : connection.base.origin;
    throw new SignerError(connection.holder, late ? 'timeout' : 'unreachable', detail, error);
  }
  const answer = parse(text);
  if (response.status !== 200) throw failure(connection.holder, response.status, answer);
  if (answer === undefined) throw new SignerError(connection.holder, 'invalid-answer', 'no JSON');
  return member(answer, 'data');
}

/** A member of what was parsed from JSON; `undefined` when it is not there. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

async function headersOf({ holder, namespace, token }: VaultConnection): Promise<Record<string, string>> {
  const secret = await token();
  // Checked here, because fetch would put a token with a line break into its error message.
  if (!/^[\x21-\x7e]{1,8192}$/.test(secret))
    throw new SignerError(holder, 'refused', 'the token is not one line of text');
  return {
    'content-type': 'application/json',
    'x-vault-request': 'true',
    'x-vault-token': secret,
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  };
}

async function readLimited({ holder }: VaultConnection, response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES)
      throw new SignerError(holder, 'invalid-answer', `more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined; // a proxy's page, for example: the caller says so
  }
}

function failure(holder: string, status: number, answer: unknown): SignerError {
  const errors = member(answer, 'errors');
  const said = Array.isArray(errors) ? errors.filter((item) => typeof item === 'string').join('; ') : '';
  const detail = `HTTP ${status} ${said.replace(/[\p{C}\s]+/gu, ' ').slice(0, 300)}`.trim();
  return new SignerError(holder, problemOfHttpStatus(status), detail);
}
