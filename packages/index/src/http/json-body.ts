import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { HttpError } from './http-error.ts';

/** @throws HttpError 400 */
export async function jsonBody(incoming: IncomingMessage, maxLength: number): Promise<unknown> {
  const body = await readBody(incoming, maxLength);
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch (error) {
    throw new HttpError({ status: 400, code: 'NOT_JSON', message: 'The request body is not JSON.' }, { cause: error });
  }
}

/**
 * Reads the raw request: what is too large is refused on the way, and the rest is drained, not cut off.
 * @throws HttpError 400, 413
 */
export async function readBody(incoming: IncomingMessage, maxLength: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxLength) throw bodyTooLarge(maxLength);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    const message = 'The connection was closed before the request was complete.';
    throw new HttpError({ status: 400, code: 'INTERRUPTED', message }, { cause: error });
  }
  return Buffer.concat(chunks);
}

/** What a schema makes of a body. @throws HttpError 422 with what is wrong with it */
export function parsedBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const message = `The request body is not as it must be: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`;
  throw new HttpError({ status: 422, code: 'INVALID_REQUEST', message });
}

function bodyTooLarge(maxLength: number): HttpError {
  const message = `The request body is larger than ${maxLength} bytes.`;
  return new HttpError({ status: 413, code: 'TOO_LARGE', message });
}
