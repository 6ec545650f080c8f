/** Milliseconds that a page, or a file, may take. */
const PAGE_MS = 120_000;
const FILE_MS = 60 * 60_000;
/** Bytes of a page, decoded: PyPI's list of all projects has some 40 MB. */
const MAX_PAGE_BYTES = 256 * 2 ** 20;
const MAX_REDIRECTS = 5;
const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/** The other index did not answer as it should. `final`: asking again does not help. */
export class SourceError extends Error {
  readonly final: boolean;
  constructor(message: string, final: boolean, options?: ErrorOptions) {
    super(message, options);
    this.final = final;
  }
}

export interface Page {
  readonly text: string;
  readonly isJson: boolean;
  /** After redirects. */
  readonly url: string;
}

/** Fetches from another index. Pages come from its own host alone; files from wherever it says, never less safely than itself. */
export class IndexFetch {
  readonly #base: URL;

  constructor(base: URL) {
    this.#base = base;
  }

  page(address: string): Promise<Page> {
    return again(async () => {
      const response = await this.#open(address, { headers: { accept: ACCEPT }, sameHost: true, ms: PAGE_MS });
      const type = response.headers.get('content-type') ?? '';
      const pieces: Uint8Array[] = [];
      for await (const piece of limited(response, MAX_PAGE_BYTES)) pieces.push(piece);
      const text = new TextDecoder().decode(Buffer.concat(pieces));
      return { text, isJson: /^application\/(vnd\.pypi\.simple\.v1\+)?json\b/i.test(type), url: response.url };
    });
  }

  /** Hands the bytes of a file over as they come; called anew for another attempt. */
  file(address: string, most: number, take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
    return again(async () => {
      // Files are hashed as they are: no content coding.
      const headers = { 'accept-encoding': 'identity' };
      await take(limited(await this.#open(address, { headers, sameHost: false, ms: FILE_MS }), most));
    });
  }

  async #open(
    address: string,
    { headers, sameHost, ms }: { headers: Record<string, string>; sameHost: boolean; ms: number },
  ): Promise<Response> {
    let url = new URL(address);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      this.#assertAllowed(url, sameHost);
      const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(ms) });
      const location = response.headers.get('location');
      if (response.status === 200) return response;
      await response.body?.cancel();
      const next =
        location === null || response.status < 300 || response.status > 308 ? null : URL.parse(location, url);
      const temporary = response.status === 429 || response.status >= 500;
      if (!next) throw new SourceError(`${url.href} answered HTTP ${response.status}`, !temporary);
      url = next;
    }
    throw new SourceError(`${address} redirects more than ${MAX_REDIRECTS} times`, true);
  }

  #assertAllowed(url: URL, sameHost: boolean): void {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new SourceError(`${url.href} is no http address`, true);
    if (url.protocol === 'http:' && this.#base.protocol === 'https:')
      throw new SourceError(`${url.href} leaves https`, true);
    if (sameHost && url.origin !== this.#base.origin)
      throw new SourceError(`${this.#base.origin} sends pages to another host, ${url.origin}`, true);
  }
}

async function* limited(response: Response, most: number): AsyncGenerator<Uint8Array, void> {
  if (Number(response.headers.get('content-length') ?? 0) > most) {
    await response.body?.cancel();
    throw tooLarge(response.url, most);
  }
  let bytes = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > most) throw tooLarge(response.url, most);
    yield piece;
  }
}

const tooLarge = (url: string, most: number): SourceError =>
  new SourceError(`${url} has more than ${most} bytes`, true);

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const failure = asSourceError(error);
      if (failure.final || attempt === ATTEMPTS) throw failure;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

/** `fetch` throws a TypeError for everything that goes wrong on the way, and what the signal says. */
function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const network = error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
  if (!network) throw error;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return new SourceError(`the other index could not be reached: ${cause}`, false, { cause: error });
}
