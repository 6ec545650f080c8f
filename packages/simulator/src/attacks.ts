import type { Answer, Attack } from './evil-mirror.ts';

/** The attacks of TUF 1.0.34 §1.5.2 that a mirror, a CDN or a network can try, one function each (P20). */

const concerns = (path: string, part: string | RegExp): boolean =>
  typeof part === 'string' ? path.includes(part) : part.test(path);

async function whole(honest: () => Promise<Answer>): Promise<Answer & { body: Uint8Array }> {
  const answer = await honest();
  if (!(answer.body instanceof Uint8Array)) throw new TypeError('an honest answer ends');
  return { ...answer, body: answer.body };
}

/** Arbitrary installation: other bytes of the same length. */
export function flipByte(part: string | RegExp): Attack {
  return async (path, honest) => {
    const answer = await whole(honest);
    if (!concerns(path, part) || answer.body.length === 0) return answer;
    const body = Uint8Array.from(answer.body);
    const middle = body.length >> 1;
    body[middle] = (body[middle] ?? 0) ^ 1;
    return { ...answer, body };
  };
}

/** Wrong software, or extraneous dependencies: what is asked for is answered with something else. */
export function replaceBody(part: string | RegExp, change: (body: Uint8Array) => Uint8Array): Attack {
  return async (path, honest) => {
    const answer = await whole(honest);
    return concerns(path, part) ? { ...answer, body: change(answer.body) } : answer;
  };
}

/** Endless data: the answer never ends. */
export function endless(part: string | RegExp): Attack {
  return async (path, honest) => {
    if (!concerns(path, part)) return honest();
    const chunk = new Uint8Array(65_536).fill(0x20);
    const forever = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield chunk;
    };
    return { status: 200, headers: new Map(), body: forever() };
  };
}

/** Slow retrieval: a byte now and then, for ever, so that nothing ever times out between two of them. */
export function drip(part: string | RegExp, milliseconds: number): Attack {
  return async (path, honest) => {
    if (!concerns(path, part)) return honest();
    const slowly = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield new Uint8Array([0x20]);
        await new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
      }
    };
    return { status: 200, headers: new Map(), body: slowly() };
  };
}

/** A mirror that blocks updates. */
export function block(part: string | RegExp, status: number): Attack {
  return async (path, honest) =>
    concerns(path, part) ? { status, headers: new Map(), body: new TextEncoder().encode('no\n') } : honest();
}

/**
 * Remembers every answer, and can give the remembered ones again: rollback when the client has seen newer ones, freeze
 * when they have expired meanwhile, mix-and-match when only some are old.
 */
export class Recorder {
  readonly #answers = new Map<string, Answer>();

  readonly record: Attack = async (path, honest) => {
    const answer = await whole(honest);
    this.#answers.delete(path);
    this.#answers.set(path, answer);
    return answer;
  };

  /** The body remembered last for a path with `part`. @throws Error when there is none */
  newest(part: string | RegExp): Uint8Array {
    const [, answer] =
      [...this.#answers].findLast(([path, { status }]) => status === 200 && concerns(path, part)) ?? [];
    if (!(answer?.body instanceof Uint8Array)) throw new Error(`nothing was recorded for ${part}`);
    return answer.body;
  }

  /** Answers paths with `part` from memory, the others honestly. */
  replay(part: string | RegExp): Attack {
    return async (path, honest) => (concerns(path, part) ? (this.#answers.get(path) ?? missing) : honest());
  }

  /** Answers everything from memory. */
  readonly replayAll: Attack = (path) => this.#answers.get(path) ?? missing;
}

/** Answers these paths with these bytes, the others honestly. */
export function serve(bodies: ReadonlyMap<string, Uint8Array>): Attack {
  return (path, honest) => {
    const body = bodies.get(path);
    return body === undefined ? honest() : { status: 200, headers: new Map(), body };
  };
}

const missing: Answer = { status: 404, headers: new Map(), body: new Uint8Array() };
