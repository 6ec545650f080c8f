import { hash } from 'node:crypto';
import { checkedSigner } from '../checked-signer.ts';
import { KeyError, SignerError } from '../errors.ts';
import type { PublicKey } from '../model.ts';
import type { Signer } from '../sign.ts';
import { agentAt, exchange, MAX_MESSAGE_BYTES } from './ssh/exchange.ts';
import { publicKeyFromSsh, signatureFromSsh } from './ssh/formats.ts';
import { SshFormatError, SshReader, sshString, uint32 } from './ssh/wire.ts';

/** How to reach an agent. */
export interface SshAgentOptions {
  /** The agent's socket, or named pipe on Windows. Default: what `SSH_AUTH_SOCK` says. */
  readonly socketPath?: string;
  /** For one whole exchange; default 60 000, time enough for a person to confirm or to touch a token. */
  readonly timeoutMs?: number;
}

/** A key that an agent holds. */
export interface AgentKey {
  /** Its public part. */
  readonly key: PublicKey;
  /** `SHA256:…`, as `ssh-add -l` prints it. */
  readonly fingerprint: string;
  /** What the agent calls the key. */
  readonly comment: string;
}

/** draft-ietf-sshm-ssh-agent, §5.1 and §7.3 of its registry. */
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const FAILURE = 5;
const RSA_SHA2_256 = 2;

interface HeldKey extends AgentKey {
  readonly blob: Uint8Array;
}

/**
 * The agent's keys that TUF has a scheme for: ed25519, ecdsa on P-256 and P-384, and RSA from 2048 bits as
 * `rsa-pkcs1v15-sha256`, since the agent's protocol knows no PSS. Others are left out.
 * @throws SignerError: `unreachable`, `timeout`, `refused`, `invalid-answer`
 */
export async function listAgentKeys(options: SshAgentOptions = {}): Promise<readonly AgentKey[]> {
  const held = await heldKeys(connectionOf(options));
  return held.map(({ key, fingerprint, comment }) => ({ key, fingerprint, comment }));
}

/**
 * A signer whose key is in an SSH agent.
 * @param identity the key's fingerprint (`SHA256:…`) or its keyid in metadata
 * @throws SignerError as {@link listAgentKeys}, and `no-such-key`; from `sign` also `unsupported` for content over 256 KiB,
 *   which no agent takes, and `invalid-signature`
 */
export async function sshAgentSigner(identity: string, options: SshAgentOptions = {}): Promise<Signer> {
  const connection = connectionOf(options);
  const held = await heldKeys(connection);
  const found = held.find(({ key, fingerprint }) => fingerprint === identity || key.keyid === identity);
  if (found === undefined) {
    const others = held.map(({ fingerprint, comment }) => `${fingerprint} (${comment})`).join(', ');
    const detail = `${identity}. It holds ${others === '' ? 'none that can be used' : others}`;
    throw new SignerError(connection.holder, 'no-such-key', detail);
  }
  const { key, blob } = found;
  return checkedSigner(connection.holder, key, (data) => sign(connection, key.scheme, blob, data));
}

interface Connection {
  readonly holder: string;
  ask(message: Uint8Array): Promise<Buffer>;
}

function connectionOf(options: SshAgentOptions): Connection {
  const { socketPath = process.env['SSH_AUTH_SOCK'] ?? '', timeoutMs = 60_000 } = options;
  if (socketPath === '') throw new SignerError('the SSH agent', 'unreachable', 'SSH_AUTH_SOCK is not set');
  return { holder: agentAt(socketPath), ask: (message) => exchange(socketPath, message, timeoutMs) };
}

async function heldKeys(connection: Connection): Promise<readonly HeldKey[]> {
  const reader = await answerOf(connection, Buffer.of(REQUEST_IDENTITIES), IDENTITIES_ANSWER);
  return readable(connection, async () => {
    const held: HeldKey[] = [];
    for (let left = reader.uint32(); left > 0; left--) {
      const [blob, comment] = [reader.string(), printable(reader.string().toString('utf8'))];
      const key = await usable(blob);
      if (key !== undefined) held.push({ key, blob, comment, fingerprint: fingerprintOf(blob) });
    }
    reader.end();
    return held;
  });
}

/** One key that cannot be used must not keep the others from being found. */
async function usable(blob: Uint8Array): Promise<PublicKey | undefined> {
  try {
    return await publicKeyFromSsh(blob);
  } catch (error) {
    if (error instanceof KeyError || error instanceof SshFormatError) return undefined;
    throw error;
  }
}

/** Comments end up on a terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${hash('sha256', blob, 'base64').replace(/=+$/, '')}`;
}

async function sign(connection: Connection, scheme: string, blob: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const flags = uint32(scheme.startsWith('rsa') ? RSA_SHA2_256 : 0);
  const request = Buffer.concat([Buffer.of(SIGN_REQUEST), sshString(blob), sshString(data), flags]);
  if (request.length > MAX_MESSAGE_BYTES) {
    const detail = `${data.length} bytes, and agents take less than ${MAX_MESSAGE_BYTES}`;
    throw new SignerError(connection.holder, 'unsupported', detail);
  }
  const reader = await answerOf(connection, request, SIGN_RESPONSE);
  return readable(connection, async () => {
    const signature = reader.string();
    reader.end();
    return signatureFromSsh(scheme, signature);
  });
}

async function answerOf(connection: Connection, request: Uint8Array, expected: number): Promise<SshReader> {
  const reader = new SshReader(await connection.ask(request));
  const type = reader.byte();
  if (type === FAILURE) throw new SignerError(connection.holder, 'refused', 'it may be locked, or its owner said no');
  if (type !== expected) throw new SignerError(connection.holder, 'invalid-answer', `of type ${type}`);
  return reader;
}

async function readable<T>(connection: Connection, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SshFormatError)
      throw new SignerError(connection.holder, 'invalid-answer', error.message, error);
    throw error;
  }
}
