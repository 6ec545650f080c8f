import { PEER_NAMES, Peer, type PeerName } from '../peers/peer.ts';
import type { CaseAnswer, CaseRequest } from '../peers/protocol.ts';
import { compare, type Disagreement } from './compare.ts';
import { runOurs } from './ours.ts';

export interface Found extends Disagreement {
  readonly peer: PeerName;
  /** Which of the cases. */
  readonly index: number;
}

/** Asks every peer every case, each peer at its own pace, and says where they answer other than we do. */
export async function disagreements(cases: readonly CaseRequest[]): Promise<readonly Found[]> {
  const ours: CaseAnswer[] = [];
  for (const request of cases) ours.push(await runOurs(request));
  const found = await Promise.all(
    PEER_NAMES.map(async (name) => {
      const peer = Peer.start(name);
      try {
        const differing: Found[] = [];
        for (const [index, request] of cases.entries()) {
          const answer = await peer.ask(request);
          const mine = ours[index] ?? { steps: [] };
          const lookups = request.steps[0]?.lookups ?? [];
          for (const item of compare(mine, answer, lookups)) differing.push({ ...item, peer: name, index });
        }
        return differing;
      } finally {
        await peer.stop();
      }
    }),
  );
  return found.flat();
}

export function describeFound({ peer, step, path, ours, theirs }: Found): string {
  const what = path === undefined ? 'refresh' : JSON.stringify(path);
  return `  ${peer}, step ${step}, ${what}:\n    ours:   ${ours}\n    theirs: ${theirs}`;
}
