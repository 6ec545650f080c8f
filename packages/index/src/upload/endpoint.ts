import { IndexClosedError, PublishDelayedError } from '../errors.ts';
import { HttpError, methodNotAllowed, type Problem } from '../http/http-error.ts';
import { identify } from '../http/credentials.ts';
import type { Exchange } from '../http/exchange.ts';
import { reasonPhrase, sendBody, sendProblemAs } from '../http/reply.ts';
import type { ServedIndex } from '../http/served-index.ts';
import type { Identity } from '../accounts/accounts.ts';
import type { FileBefore } from '../catalog.ts';
import type { NewFile, Published } from '../publish/new-file.ts';
import type { Watch } from '../watch.ts';
import { admitFile } from './admission.ts';
import { inspectUpload } from './inspect.ts';
import { Gate } from './gate.ts';
import type { UploadLimits } from './limits.ts';
import { type Admission, receiveForm, tooLarge } from './receive.ts';
import { uploadSentence } from './sentence.ts';
import { Spool } from './spool.ts';
import { storeUpload } from './store.ts';

export interface UploadSettings {
  readonly limits: UploadLimits;
  readonly clock: () => Date;
  /** Ends receptions when the server stops. What was received completely is still published. */
  readonly stop: AbortSignal;
  /** Sees each part of an upload: `receive`, `inspect`, `store`, `publish`, and the `whole`. */
  readonly watch: Watch;
}

/** What uploads under way take. */
export interface UploadLoad {
  readonly receiving: number;
  readonly queued: number;
  readonly spoolBytes: number;
}

/** What became of an upload, for the log. */
export interface UploadOutcome extends Published {
  readonly file: NewFile;
}

/**
 * `POST /legacy/`: the upload API that twine, uv, poetry, pdm, hatch and flit speak. The answer 200 means that the file is
 * in signed metadata, or stored and waits for a signature that is not the index's to make: it says so. Any other answer means that
 * nothing was published.
 */
export class UploadEndpoint {
  readonly #index: ServedIndex;
  readonly #settings: UploadSettings;
  readonly #gate: Gate;
  readonly #spools = new Set<Spool>();

  constructor(index: ServedIndex, settings: UploadSettings) {
    this.#index = index;
    this.#settings = settings;
    this.#gate = new Gate(settings.limits);
  }

  get load(): UploadLoad {
    const { inside, waiting } = this.#gate.load;
    let spoolBytes = 0;
    for (const { size } of this.#spools) spoolBytes += size;
    return { receiving: inside, queued: waiting, spoolBytes };
  }

  /** Publishes the upload and answers 200. Throws, without having answered, what `problemOf` understands. */
  async handle(exchange: Exchange): Promise<UploadOutcome> {
    const { request } = exchange;
    if (request.method !== 'POST') throw methodNotAllowed('POST');
    const identity = await identify(request.headers.authorization, (token) => this.#index.accounts.authenticate(token));
    refuseAnnouncedSize(request.headers['content-length'], this.#settings.limits);
    const signal = AbortSignal.any([this.#settings.stop, whenGone(exchange)]);
    const outcome = await this.#watched('whole', () =>
      this.#gate.run(() => this.#publish(exchange, identity, signal), signal),
    );
    const text = uploadSentence(outcome, await this.#nextSigning(outcome));
    // twine and uv show neither unless they are asked to tell more: nothing went wrong.
    exchange.response.statusMessage = reasonPhrase(text);
    sendBody(
      exchange,
      200,
      { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
      Buffer.from(`${text}\n`),
    );
    return outcome;
  }

  async #nextSigning({ waitsFor }: UploadOutcome): Promise<Date | undefined> {
    return waitsFor === 'offline-signing' ? await this.#index.nextSigning() : undefined;
  }

  /** Once the file is in the queue it will be published, by another process or after the restart: that is what is told. */
  async #unlessStopped<T>(published: Promise<T>): Promise<T> {
    const { stop } = this.#settings;
    const stopped = Promise.withResolvers<never>();
    const tell = (): void => stopped.reject(new PublishDelayedError({ cause: stop.reason }));
    stop.addEventListener('abort', tell, { once: true });
    if (stop.aborted) tell();
    try {
      return await Promise.race([published, stopped.promise]);
    } catch (error) {
      throw error instanceof IndexClosedError ? new PublishDelayedError({ cause: error }) : error;
    } finally {
      stop.removeEventListener('abort', tell);
    }
  }

  #watched<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#settings.watch({ part: 'upload', operation }, work);
  }

  async #publish(exchange: Exchange, identity: Identity, signal: AbortSignal): Promise<UploadOutcome> {
    const { limits, clock } = this.#settings;
    const spool = new Spool(() => this.#index.objects.incoming());
    this.#spools.add(spool);
    try {
      let before: FileBefore | undefined;
      const admit = async (filename: string): Promise<Admission> => {
        const admission = await admitFile(this.#index, identity, filename, limits);
        before = admission.before;
        return admission;
      };
      const { request } = exchange;
      const form = await this.#watched('receive', () => receiveForm(request, { spool, limits, admit, signal }));
      const upload = await this.#watched('inspect', () => inspectUpload(form));
      const file = await this.#watched('store', () =>
        storeUpload(this.#index, upload, { identity, uploadTime: clock(), limits, before }),
      );
      return {
        ...(await this.#watched('publish', () => this.#unlessStopped(this.#index.publisher.publish(file)))),
        file,
      };
    } finally {
      this.#spools.delete(spool);
      await spool.discard();
    }
  }
}

/**
 * Tells an uploader what was refused, each in the way that it shows to people: twine and the others print the reason
 * phrase, poetry and pdm the body, and uv the `code` of a JSON body, if the type is exactly `application/json`.
 */
export function sendUploadProblem(exchange: Exchange, problem: Problem): void {
  if (!(exchange.request.headers.accept ?? '').includes('application/json')) {
    sendProblemAs(exchange, problem, 'text/plain; charset=utf-8', `${problem.message}\n`);
    return;
  }
  const { status, code, message } = problem;
  const body = { status, code: `${status} ${message}`, message, error: code, request_id: exchange.id };
  sendProblemAs(exchange, problem, 'application/json', JSON.stringify(body));
}

function refuseAnnouncedSize(contentLength: string | undefined, limits: UploadLimits): void {
  if (Number(contentLength ?? 0) > limits.fileBytes + limits.formBytes) throw tooLarge('The upload', limits.fileBytes);
}

/** Aborted when the client goes away before its answer. */
function whenGone(exchange: Exchange): AbortSignal {
  const controller = new AbortController();
  exchange.response.once('close', () => {
    if (exchange.response.writableFinished) return;
    const message = 'The connection was closed before the upload was complete. Nothing was stored.';
    controller.abort(new HttpError({ status: 400, code: 'INTERRUPTED', message }));
  });
  return controller.signal;
}
