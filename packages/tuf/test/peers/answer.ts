import { createInterface } from 'node:readline';
import type { PeerRequest } from './protocol.ts';

/** The loop of a peer program in JavaScript. */
export async function answerRequests(answerTo: (request: PeerRequest) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as PeerRequest;
    let answer: unknown;
    try {
      answer = await answerTo(request);
    } catch (error) {
      answer = { failed: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
