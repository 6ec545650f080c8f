import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { HttpError } from '../http/http-error.ts';
import type { UploadLimits } from './limits.ts';
import { Pace } from './pace.ts';
import type { Spool } from './spool.ts';

/** The distribution as it was received: whole, hashed, not looked into yet. */
export interface ReceivedFile {
  /** As the client named it: unchecked, path separators and all. */
  readonly filename: string;
  readonly sha256: string;
  readonly content: Spool;
}

export interface ReceivedForm {
  /** Form fields in order of arrival; a name may come several times. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** The part named `content`. */
  readonly file: ReceivedFile | undefined;
}

/** How large a file may be. */
export interface Admission {
  readonly bytes: number;
  /** Thrown when it is larger. */
  readonly exceeded: () => Error;
}

export interface ReceiveOptions {
  /** Takes the file. The caller discards it, whatever happens here. */
  readonly spool: Spool;
  readonly limits: UploadLimits;
  /**
   * Asked when the file begins, before a byte of it is stored: may it come, and how large? Throws to refuse it. Fields may
   * still follow, so only the filename is known for certain.
   */
  readonly admit: (filename: string) => Promise<Admission>;
  /** Ends the reception, for instance when the server stops. */
  readonly signal: AbortSignal;
}

/** Where a form comes from: a request. */
export interface FormSource extends Readable {
  readonly headers: IncomingHttpHeaders;
}

/** Space for one part's header fields: a name, a filename, a type. */
const PART_HEADER_BYTES = 8 * 1024;
const PART_HEADERS = 16;

/**
 * Receives an upload form as a stream: fields into memory, the file into the spool while it is hashed. Every limit holds while
 * bytes arrive. On failure the rest of the request is left unread, for the caller to answer first; nothing is left open.
 */
export async function receiveForm(request: FormSource, options: ReceiveOptions): Promise<ReceivedForm> {
  const receiver = new FormReceiver(openParser(request, options.limits), options);
  const pace = new Pace(options.limits, (error) => receiver.fail(error));
  const abort = (): void => receiver.fail(options.signal.reason as Error);
  options.signal.addEventListener('abort', abort, { once: true });
  const release = feed(request, receiver, pace);
  try {
    return await receiver.done();
  } finally {
    release();
    pace.stop();
    options.signal.removeEventListener('abort', abort);
  }
}

/** Moves bytes from the request to the receiver, with back-pressure. Returns what lets the request go. */
function feed(request: FormSource, receiver: FormReceiver, pace: Pace): () => void {
  const onData = (chunk: Buffer): void => {
    pace.received(chunk.length);
    if (receiver.write(chunk)) return;
    request.pause();
    pace.hold(true);
  };
  const onDrain = (): void => {
    pace.hold(false);
    request.resume();
  };
  const onClose = (): void => receiver.fail(interrupted());
  const onEnd = (): void => {
    request.off('close', onClose);
    receiver.end();
  };
  request.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose);
  receiver.parser.on('drain', onDrain);
  return () => {
    request.pause();
    request.off('data', onData).off('end', onEnd).off('close', onClose);
    receiver.parser.off('drain', onDrain);
    // The error listener stays: an abort may still come, and an error event that nobody hears ends the process.
  };
}

function openParser(request: FormSource, limits: UploadLimits): BusboyInstance {
  const contentType = request.headers['content-type'] ?? '';
  const notAForm = 'It is not a multipart/form-data request with a boundary';
  if (!/^multipart\/form-data\b/i.test(contentType)) throw malformed(notAForm);
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      // Paths stay visible, so that a name with slashes is refused and not quietly cut to its last part.
      preservePath: true,
      isPartAFile: (name, _type, filename) => name === 'content' || filename !== undefined,
      limits: {
        fieldSize: limits.fieldBytes,
        fields: limits.fields,
        // The distribution and the detached signature that old twines can send.
        files: 2,
        parts: limits.fields + 2,
        headerPairs: PART_HEADERS,
        headerSize: PART_HEADER_BYTES,
      },
    });
  } catch (error) {
    throw malformed(notAForm, error);
  }
}

class FormReceiver {
  readonly parser: BusboyInstance;
  readonly #options: ReceiveOptions;
  readonly #fields = new Map<string, string[]>();
  readonly #finished = Promise.withResolvers<void>();
  #fieldBytes = 0;
  #received = 0;
  #failed = false;
  #stream: BusboyFileStream | undefined;
  #file: Promise<ReceivedFile> | undefined;

  constructor(parser: BusboyInstance, options: ReceiveOptions) {
    this.parser = parser;
    this.#options = options;
    const { limits } = options;
    parser.on('field', (name, value, _nameTruncated, truncated) => {
      if (truncated) this.fail(tooLarge(`The form field ${JSON.stringify(name)}`, limits.fieldBytes));
      else this.#addField(name, value);
    });
    parser.on('file', (name, stream, filename) => this.#onFile(name, stream, filename));
    const tooMany = (): void => this.fail(tooManyParts(limits.fields));
    parser.on('fieldsLimit', tooMany).on('partsLimit', tooMany).on('filesLimit', tooMany);
    parser.on('error', (error) => this.fail(malformed('It ends too early or is not well-formed', error)));
    parser.on('finish', () => this.#finished.resolve());
  }

  /** Takes the next bytes; `false` asks to wait for `drain`, which never comes after a failure. */
  write(chunk: Buffer): boolean {
    this.#received += chunk.length;
    const { fileBytes, formBytes } = this.#options.limits;
    if (this.#received > fileBytes + formBytes) this.fail(tooLarge('The upload', fileBytes));
    return !this.#failed && this.parser.write(chunk);
  }

  end(): void {
    if (!this.#failed) this.parser.end();
  }

  /** The first failure wins; the file being written, if any, ends with it. */
  fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#finished.reject(error);
    this.#stream?.destroy(error);
  }

  async done(): Promise<ReceivedForm> {
    try {
      await this.#finished.promise;
      return { fields: this.#fields, file: await this.#file };
    } finally {
      // Whoever removes the file must find it closed.
      await this.#file?.catch(() => undefined);
    }
  }

  #addField(name: string | undefined, value: string): void {
    if (name === undefined) return;
    this.#fieldBytes += value.length;
    if (this.#fieldBytes > this.#options.limits.formBytes) {
      this.fail(tooLarge('All form fields together', this.#options.limits.formBytes));
      return;
    }
    const values = this.#fields.get(name);
    if (values === undefined) this.#fields.set(name, [value]);
    else values.push(value);
  }

  #onFile(name: string, stream: BusboyFileStream, filename: string | undefined): void {
    stream.on('error', (error) => this.fail(malformed('It ends inside the file', error)));
    if (name !== 'content') {
      stream.resume();
    } else if (this.#file !== undefined) {
      this.fail(malformed('It has two files named "content"; send one file per request'));
    } else if (this.#failed) {
      stream.destroy();
    } else {
      this.#stream = stream;
      this.#file = spoolFile(stream, filename ?? '', this.#options);
      this.#file.catch((error: Error) => this.fail(error));
    }
  }
}

async function spoolFile(stream: BusboyFileStream, filename: string, options: ReceiveOptions): Promise<ReceivedFile> {
  const { bytes, exceeded } = await options.admit(filename);
  const hash = createHash('sha256');
  const content = options.spool;
  // Leaving the loop must not destroy the stream: its error would hide the reason for leaving.
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    if (content.size + chunk.length > bytes) throw exceeded();
    hash.update(chunk);
    await content.append(chunk);
  }
  return { filename, content, sha256: hash.digest('hex') };
}

/** What is refused for its size. */
export function tooLarge(what: string, limit: number): HttpError {
  const message = `${what} is larger than the ${megabytes(limit)} that this index accepts. Nothing was stored.`;
  return new HttpError({ status: 413, code: 'TOO_LARGE', message });
}

function megabytes(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes} bytes` : `${Math.floor(bytes / 2 ** 20)} MiB`;
}

function tooManyParts(fields: number): HttpError {
  const message = `The upload form has more than ${fields} fields, or more than one file. Nothing was stored.`;
  return new HttpError({ status: 400, code: 'TOO_MANY_FIELDS', message });
}

function malformed(why: string, cause?: unknown): HttpError {
  const message = `The upload cannot be read. ${why}. Nothing was stored; please upload again.`;
  return new HttpError({ status: 400, code: 'MALFORMED_UPLOAD', message }, { cause });
}

function interrupted(): HttpError {
  const message = 'The connection was closed before the upload was complete. Nothing was stored.';
  return new HttpError({ status: 400, code: 'INTERRUPTED', message });
}
