import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { KeyManagementServiceClient } from '@google-cloud/kms';
import {
  credentials,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import { fromJSON, type ServiceDefinition } from '@grpc/proto-loader';
import { signDigest } from '../../tuf/test/sign-digest.ts';

/**
 * The two calls of Google's Key Management Service that a signer makes, after Google's published description, behind a real gRPC
 * server that speaks the protocol in Google's own library. No emulator could be installed where the tests run.
 */
export interface KeyManagementService {
  readonly client: KeyManagementServiceClient;
  /** @returns the name of a new key version */
  makeKey(algorithm: string): string;
  /** Runs instead of an answer while it is set. */
  instead: ((call: string) => { code?: status; signature?: Buffer } | 'silence') | undefined;
  /** What was asked, in order. */
  readonly requests: readonly Request[];
  stop(): Promise<void>;
}

interface Request {
  readonly name: string;
  readonly digest?: Readonly<Record<string, Buffer>> | null;
  readonly data?: Buffer;
}

interface Version {
  readonly algorithm: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function generate(algorithm: string): Version {
  const curve = /P256|P384|SECP256K1/.exec(algorithm)?.[0];
  const bits = /_(\d{4})_/.exec(algorithm)?.[1];
  const names = { P256: 'P-256', P384: 'P-384', SECP256K1: 'secp256k1' };
  if (bits !== undefined) return { algorithm, ...generateKeyPairSync('rsa', { modulusLength: Number(bits) }) };
  if (curve === undefined) return { algorithm, ...generateKeyPairSync('ed25519') };
  return { algorithm, ...generateKeyPairSync('ec', { namedCurve: names[curve as keyof typeof names] }) };
}

export async function startKeyManagementService(): Promise<KeyManagementService> {
  const versions = new Map<string, Version>();
  const requests: Request[] = [];
  const service: Pick<KeyManagementService, 'instead'> = { instead: undefined };
  const server = new Server();
  const answer =
    (name: string, make: (version: Version, request: Request) => object) =>
    ({ request }: ServerUnaryCall<Request, object>, respond: sendUnaryData<object>): void => {
      requests.push(request);
      const other = service.instead?.(name);
      const version = versions.get(request.name);
      if (other === 'silence') return;
      if (other?.code !== undefined) respond({ code: other.code, details: 'as the test wants it' });
      else if (version === undefined) respond({ code: status.NOT_FOUND, details: `${request.name} not found.` });
      else respond(null, { ...make(version, request), ...other });
    };
  server.addService(await definition(), {
    GetPublicKey: answer('GetPublicKey', ({ algorithm, publicKey }, { name }) => ({
      name,
      algorithm,
      pem: publicKey.export({ format: 'pem', type: 'spki' }),
    })),
    AsymmetricSign: answer('AsymmetricSign', (version, request) => ({ signature: signatureOf(version, request) })),
  });
  const port = await listen(server);
  const client = new KeyManagementServiceClient({
    servicePath: '127.0.0.1',
    port,
    sslCreds: credentials.createInsecure(),
  });
  return Object.assign(service, {
    client,
    requests,
    makeKey(algorithm: string) {
      const name = `projects/p/locations/global/keyRings/tuf/cryptoKeys/k${versions.size}/cryptoKeyVersions/1`;
      versions.set(name, generate(algorithm));
      return name;
    },
    async stop() {
      await client.close();
      server.forceShutdown();
    },
  });
}

/** Digests for all but Ed25519, which takes content. */
function signatureOf({ algorithm, privateKey }: Version, { data, digest }: Request): Buffer {
  if (algorithm === 'EC_SIGN_ED25519') return sign(null, data ?? Buffer.of(), privateKey);
  const [hash = '', bytes = Buffer.of()] =
    Object.entries(digest ?? {}).find(([, value]) => Buffer.isBuffer(value)) ?? [];
  if (!algorithm.endsWith(hash.toUpperCase())) throw new Error(`${hash} is not for ${algorithm}`);
  return signDigest(privateKey, hash, bytes, algorithm.includes('PSS'));
}

async function definition(): Promise<ServiceDefinition> {
  const path = createRequire(import.meta.url).resolve('@google-cloud/kms/build/protos/protos.json');
  const json = JSON.parse(await readFile(path, 'utf8')) as Parameters<typeof fromJSON>[0];
  return fromJSON(json, { enums: String })['google.cloud.kms.v1.KeyManagementService'] as ServiceDefinition;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
