import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { IncomingDirectory } from './incoming-directory.ts';
import { keyParts, listingStart } from './object-key.ts';
import type { IncomingFile, ObjectStore, OpenObject, PutOptions, TaggedObject } from './object-store.ts';
import { type ByteRange, resumedStream } from './resumed-stream.ts';
import { makeClient, persist, type S3Credentials, type S3Sdk } from './s3-client.ts';
import { isAbsent, isRefusedByCondition, objectStoreError } from './s3-failure.ts';
import type { S3Location } from './s3-location.ts';
import { assertConditional } from './s3-probe.ts';
import { ATTEMPT_MS, S3Wire, type WireAnswer } from './s3-wire.ts';

export interface S3Options {
  readonly location: S3Location;
  /** A directory of this process's own, on this machine, for files on their way in. It is emptied. */
  readonly incoming: string;
  /** Those that the SDK finds in the environment when undefined. */
  readonly credentials?: S3Credentials;
}

/**
 * Objects in a bucket of any S3 service that has conditional writes. The bucket belongs to the index alone and its keys are
 * ours, so that a web server or CDN can serve it as it is. Besides what the port says, methods throw `ObjectStoreError`.
 */
export class S3Store implements ObjectStore {
  readonly #sdk: S3Sdk;
  readonly #client: S3Client;
  readonly #wire: S3Wire;
  readonly #bucket: string;
  readonly #incoming: IncomingDirectory;

  private constructor(
    { sdk, client, wire }: { readonly sdk: S3Sdk; readonly client: S3Client; readonly wire: S3Wire },
    bucket: string,
    incoming: IncomingDirectory,
  ) {
    this.#sdk = sdk;
    this.#client = client;
    this.#wire = wire;
    this.#bucket = bucket;
    this.#incoming = incoming;
  }

  /**
   * Opens a bucket, which must be there.
   * @throws UnsafeObjectStoreError when the service does not keep the condition of a write
   */
  static async open({ location, incoming, credentials }: S3Options): Promise<S3Store> {
    const { sdk, client } = await makeClient(location, credentials);
    const wire = await S3Wire.open(sdk, client, location.bucket);
    const store = new S3Store({ sdk, client, wire }, location.bucket, await IncomingDirectory.open(incoming));
    await assertConditional(store);
    return store;
  }

  async put(
    key: string,
    source: Uint8Array | { readonly file: string },
    options: PutOptions = {},
  ): Promise<'stored' | 'exists'> {
    if ('file' in source) return this.#putFile(key, source.file, options);
    return (await this.putTagged(key, source, options)) === 'exists' ? 'exists' : 'stored';
  }

  async putTagged(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
  ): Promise<{ readonly tag: string } | 'exists'> {
    keyParts(key);
    const { ifAbsent = false, ifTag } = options;
    const headers = {
      'content-type': 'application/octet-stream',
      ...(ifAbsent ? { 'if-none-match': '*' } : ifTag !== undefined && { 'if-match': ifTag }),
    };
    const answer = await this.#unlessExists(key, options, () =>
      this.#wire.send({ method: 'PUT', key, headers, body: bytes }),
    );
    return answer === 'exists' ? 'exists' : { tag: answer.tag };
  }

  async #putFile(key: string, file: string, options: PutOptions): Promise<'stored' | 'exists'> {
    try {
      const { ifAbsent = false, ifTag } = options;
      const condition = ifAbsent ? { IfNoneMatch: '*' } : { IfMatch: ifTag };
      const target = { ...this.#object(key), ...((ifAbsent || ifTag !== undefined) && condition) };
      const put = await this.#fileSender(file);
      return (await this.#unlessExists(key, options, () => put(target))) === 'exists' ? 'exists' : 'stored';
    } finally {
      await rm(file, { force: true });
    }
  }

  #unlessExists<T>(
    key: string,
    { ifAbsent = false, ifTag }: PutOptions,
    attempt: () => Promise<T>,
  ): Promise<T | 'exists'> {
    const conditional = ifAbsent || ifTag !== undefined;
    return this.#request(key, async () => {
      try {
        return await attempt();
      } catch (error) {
        // With a tag, an object that is gone is another one too.
        if (conditional && (isRefusedByCondition(error) || (!ifAbsent && isAbsent(error)))) return 'exists';
        throw error;
      }
    });
  }

  async get(key: string, options: { readonly maxLength: number }): Promise<Uint8Array | undefined> {
    return (await this.read(key, options))?.bytes;
  }

  async read(key: string, { maxLength }: { readonly maxLength: number }): Promise<TaggedObject | undefined> {
    keyParts(key);
    return this.#find(key, () => this.#wire.send({ method: 'GET', key, maxLength }));
  }

  async open(key: string): Promise<OpenObject | undefined> {
    keyParts(key);
    const head: WireAnswer | undefined = await this.#find(key, () => this.#wire.send({ method: 'HEAD', key }));
    if (head?.length === undefined) return undefined;
    const { length: size, tag } = head;
    let closed: AbortController | undefined; // Most are opened to see that they are there.
    return {
      size,
      tag,
      stream: (range = { start: 0, end: size - 1 }) => {
        const { signal } = (closed ??= new AbortController());
        return resumedStream(range, (start) => this.#part(key, tag, { start, end: range.end }, signal), signal);
      },
      close: () => closed?.abort(),
    };
  }

  async delete(key: string): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand(this.#object(key));
    await this.#find(key, () => this.#client.send(command, { abortSignal: AbortSignal.timeout(ATTEMPT_MS) }));
  }

  async *list(prefix: string): AsyncIterable<string> {
    listingStart(prefix);
    for (let token: string | undefined; ; ) {
      const from = { Bucket: this.#bucket, Prefix: prefix, ContinuationToken: token };
      const page = await this.#request(prefix, () =>
        this.#client.send(new this.#sdk.ListObjectsV2Command(from), { abortSignal: AbortSignal.timeout(ATTEMPT_MS) }),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
      token = page.NextContinuationToken;
      if (token === undefined) return;
    }
  }

  async incoming(): Promise<IncomingFile> {
    return this.#incoming.file();
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    keyParts(key);
    return { Bucket: this.#bucket, Key: key };
  }

  /** A stream is sent unsigned; the service compares what arrives with the digest instead. */
  async #fileSender(file: string): Promise<(target: PutObjectCommandInput) => Promise<unknown>> {
    const { size } = await stat(file);
    const md5 = createHash('md5');
    await pipeline(createReadStream(file), md5);
    const about = { ContentLength: size, ContentMD5: md5.digest('base64') };
    return async (target) => {
      const body = createReadStream(file);
      try {
        return await this.#client.send(new this.#sdk.PutObjectCommand({ ...target, ...about, Body: body }));
      } finally {
        body.destroy();
      }
    };
  }

  /** Bytes of the object that was opened, and of no other that replaced it. */
  #part(key: string, tag: string, { start, end }: ByteRange, closed: AbortSignal): Promise<Readable> {
    const input = { ...this.#object(key), Range: `bytes=${start}-${end}`, ...(tag !== '' && { IfMatch: tag }) };
    return this.#request(key, async () => {
      const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand(input), { abortSignal: closed });
      return addAbortSignal(closed, readable(Body));
    });
  }

  async #request<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await persist(attempt);
    } catch (error) {
      throw objectStoreError(key, error);
    }
  }

  #find<T>(key: string, attempt: () => Promise<T>): Promise<T | undefined> {
    return this.#request(key, async () => {
      try {
        return await attempt();
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }
}

/** In Node a body is always a stream of Node's; the type also speaks of browsers. */
function readable(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new TypeError('an answer without a body');
}
