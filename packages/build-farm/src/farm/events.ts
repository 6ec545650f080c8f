/** Something that a farm tells its maintainers. Each has one place in the code. */
export type FarmEvent =
  | { readonly event: 'followed'; readonly version: number; readonly projects: number }
  | { readonly event: 'building'; readonly project: string; readonly sdist: string; readonly attempt: number }
  | {
      readonly event: 'built';
      readonly project: string;
      readonly sdist: string;
      readonly wheel: string;
      readonly sha256: string;
      readonly seconds: number;
    }
  | {
      readonly event: 'failed';
      readonly project: string;
      readonly sdist: string;
      readonly code: string;
      readonly reason: string;
      /** The file with what the build said. */
      readonly log: string | null;
      /** ISO 8601; `null`: not tried again. */
      readonly next_try: string | null;
    }
  | { readonly event: 'published'; readonly project: string; readonly wheels: readonly string[]; readonly role: string }
  | {
      readonly event: 'waiting';
      readonly project: string;
      readonly wheels: readonly string[];
      readonly role: string;
      readonly signed: number;
      readonly threshold: number;
    }
  | { readonly event: 'differs'; readonly project: string; readonly wheel: string; readonly report: string }
  | { readonly event: 'left'; readonly project: string; readonly role: string; readonly reason: string }
  | {
      readonly event: 'trouble';
      /** Empty: of the farm as a whole. */
      readonly project: string;
      readonly code: string;
      readonly reason: string;
      readonly next_try: string | null;
    };

/** One line for people. */
export function describeEvent(happened: FarmEvent): string {
  switch (happened.event) {
    case 'followed':
      return `followed the index to publication ${happened.version}: ${happened.projects} projects to look at`;
    case 'building':
      return `building ${happened.sdist}${happened.attempt === 1 ? '' : `, try ${happened.attempt}`}`;
    case 'built':
      return `built ${happened.wheel} in ${happened.seconds.toFixed(1)} s, SHA-256 ${happened.sha256}`;
    case 'failed':
      return `FAILED ${happened.sdist}: ${happened.reason} (${again(happened.next_try)})${happened.log === null ? '' : `\nWhat it said: ${happened.log}`}`;
    case 'published':
      return `published ${happened.wheels.join(', ') || 'a renewal'} (${happened.role})`;
    case 'waiting':
      return `signed ${happened.wheels.join(', ') || 'a renewal'} (${happened.role}): ${happened.signed} of ${happened.threshold} signatures`;
    case 'differs':
      return `NOT REPRODUCED ${happened.wheel} of ${happened.project}: not signed\n${happened.report}`;
    case 'left':
      return `left alone what waits for ${happened.role}: ${happened.reason}`;
    case 'trouble':
      return `TROUBLE${happened.project === '' ? '' : ` with ${happened.project}`}: ${happened.reason} (${again(happened.next_try)})`;
  }
}

const again = (at: string | null): string => (at === null ? 'not tried again' : `tried again at ${at}`);
