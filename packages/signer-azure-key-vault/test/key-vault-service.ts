import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { KeyClient } from '@azure/keyvault-keys';
import { ecdsaRawSignature } from '../../tuf/src/crypto/ecdsa-der.ts';
import { signDigest } from '../../tuf/test/sign-digest.ts';

/**
 * The two calls of Key Vault's REST interface that a signer makes, after Microsoft's published description, with the challenge that
 * its clients have to answer first. No emulator could be installed where the tests run.
 */
export interface KeyVaultService {
  readonly client: KeyClient;
  /** A new version of a key. @returns the version */
  makeKey(name: string, kind: keyof typeof KINDS, attributes?: object): string;
  /** Answers instead while it is set. */
  instead: ((operation: 'get' | 'sign', response: ServerResponse) => void) | undefined;
  /** The bodies of the requests to sign, in order. */
  readonly signed: readonly SignRequest[];
  stop(): Promise<void>;
}

interface SignRequest {
  readonly alg: string;
  readonly value: string;
}

interface StoredKey {
  readonly version: string;
  readonly kty: string;
  readonly privateKey: KeyObject;
  readonly attributes: object;
}

const KINDS = {
  'P-256': { kty: 'EC', make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  'P-384 in an HSM': { kty: 'EC-HSM', make: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey },
  secp256k1: { kty: 'EC', make: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey },
  'RSA-2048': { kty: 'RSA', make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  'RSA-3072 in an HSM': { kty: 'RSA-HSM', make: () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey },
  'RSA-4096': { kty: 'RSA', make: () => generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey },
};
const TOKEN = 'the token of the test';

export async function startKeyVaultService(): Promise<KeyVaultService> {
  const keys = new Map<string, StoredKey[]>();
  const signed: SignRequest[] = [];
  const service: Pick<KeyVaultService, 'instead'> = { instead: undefined };
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = `http://127.0.0.1:${address.port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return challenge(response);
    const [, , name = '', version = '', operation] = new URL(request.url ?? '', url).pathname.split('/');
    if (service.instead !== undefined) return service.instead(operation === 'sign' ? 'sign' : 'get', response);
    const stored = keys.get(name)?.findLast((key) => version === '' || key.version === version);
    if (stored === undefined) {
      const error = { code: 'KeyNotFound', message: `A key with (name/id) ${name} was not found in this key vault.` };
      return json(response, 404, { error });
    }
    const kid = `${url}/keys/${name}/${stored.version}`;
    if (operation !== 'sign') return json(response, 200, bundle(kid, stored));
    const wanted = JSON.parse(body) as SignRequest;
    signed.push(wanted);
    json(response, 200, { kid, value: sign(stored.privateKey, wanted).toString('base64url') });
  }

  const client = new KeyClient(
    url,
    { getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 }) },
    { allowInsecureConnection: true, disableChallengeResourceVerification: true, retryOptions: { maxRetries: 0 } },
  );
  return Object.assign(service, {
    client,
    signed,
    makeKey(name: string, kind: keyof typeof KINDS, attributes: object = {}) {
      const versions = keys.get(name) ?? [];
      const version = String(versions.length + 1).padStart(32, '0');
      const { kty, make } = KINDS[kind];
      keys.set(name, [...versions, { version, kty, privateKey: make(), attributes }]);
      return version;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

function challenge(response: ServerResponse): void {
  const where = 'Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"';
  response.writeHead(401, { 'www-authenticate': where }).end();
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function bundle(kid: string, { kty, privateKey, attributes }: StoredKey): object {
  const numbers = createPublicKey(privateKey).export({ format: 'jwk' });
  const crv = numbers.crv === 'secp256k1' ? 'P-256K' : numbers.crv;
  return {
    key: { ...numbers, crv, kid, kty, key_ops: ['sign', 'verify'] },
    attributes: { enabled: true, ...attributes },
  };
}

function sign(privateKey: KeyObject, { alg, value }: SignRequest): Buffer {
  const size = Number(alg.slice(2));
  const signature = signDigest(privateKey, `sha${size}`, Buffer.from(value, 'base64url'), alg.startsWith('PS'));
  return alg.startsWith('ES') ? Buffer.from(ecdsaRawSignature(signature, size / 8) ?? []) : signature;
}
