import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** With which key, for which service and where requests are signed. */
export interface SigningScope {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly region: string;
  readonly service: string;
}

export interface UnsignedRequest {
  readonly method: string;
  /** Percent-encoded, as it is sent; without a query. */
  readonly path: string;
  /** Names in lower case; `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** AWS Signature Version 4 in the header fields of a request, for requests whose content is in memory. */
export class RequestSigner {
  /** It is good for a day, and takes four hashes to make. */
  #key: { readonly scope: SigningScope; readonly day: string; readonly key: KeyObject } | undefined;

  /** The fields of the request, with those that sign it and all others of them. */
  sign({ method, path, headers, body }: UnsignedRequest, scope: SigningScope, now: Date): Record<string, string> {
    const time = `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    const day = time.slice(0, 8);
    const sha256 = body.length === 0 ? EMPTY_SHA256 : hash('sha256', body);
    const signed: Record<string, string> = { ...headers, 'x-amz-content-sha256': sha256, 'x-amz-date': time };
    if (scope.sessionToken !== undefined) signed['x-amz-security-token'] = scope.sessionToken;
    const names = Object.keys(signed).sort();
    const fields = names.map((name) => `${name}:${signed[name] ?? ''}\n`).join('');
    const canonical = [method, path, '', fields, names.join(';'), sha256].join('\n');
    const where = `${day}/${scope.region}/${scope.service}/aws4_request`;
    const text = ['AWS4-HMAC-SHA256', time, where, hash('sha256', canonical)].join('\n');
    const signature = hmac(this.#keyOf(scope, day), text).toString('hex');
    signed['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${scope.accessKeyId}/${where}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return signed;
  }

  /** As a key object, which is used four times as fast as its bytes. */
  #keyOf(scope: SigningScope, day: string): KeyObject {
    if (this.#key?.scope !== scope || this.#key.day !== day) {
      const parts = [day, scope.region, scope.service, 'aws4_request'];
      const bytes = parts.reduce(hmac, Buffer.from(`AWS4${scope.secretAccessKey}`));
      this.#key = { scope, day, key: createSecretKey(bytes) };
    }
    return this.#key.key;
  }
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
