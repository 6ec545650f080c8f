/**
 * The publish protocol (decisions 9 and 12) with everything left out but its writes, for a search through all interleavings:
 * two processes that may both believe to lead, be stopped for any time, or die; requests to the object store that arrive
 * late, also after the death of their sender; a store that acknowledges and drops a write.
 */
export interface Protocol {
  /** What a publication does, in this order. */
  readonly steps: readonly Step[];
  /** Transactions of a signer check its term, and keep the key of what was recorded. */
  readonly fenced: boolean;
  /** The timestamp is switched only in the place of the one that was read. */
  readonly ifTag: boolean;
}

export type Step = 'record' | 'put roles' | 'read back' | 'switch timestamp' | 'mark published';

/** What the code does. */
export const PROTOCOL: Protocol = {
  steps: ['record', 'put roles', 'read back', 'switch timestamp', 'mark published'],
  fenced: true,
  ifTag: true,
};

/** What the search may spend. */
export interface Bounds {
  readonly publications: number;
  readonly terms: number;
  readonly crashes: number;
  readonly lies: number;
  /** Requests that are under way at the same time. */
  readonly requests: number;
}

/** One version of the metadata; `by` is the term that signed it: another signer would sign other bytes. */
interface Version {
  readonly version: number;
  readonly by: number;
}

interface Process {
  readonly term: number;
  readonly step: number;
  /** What it publishes; undefined while it looks for what to do. */
  readonly pending?: Version;
  /** Of its request that is under way. */
  readonly waits: boolean;
}

interface Request {
  readonly from: number;
  readonly kind: 'role' | 'timestamp';
  readonly what: Version;
  /** The timestamp that stood there when its sender looked. */
  readonly tag?: Version;
}

interface State {
  readonly term: number;
  readonly recorded: readonly Version[];
  /** Versions whose uploads were acknowledged. */
  readonly acknowledged: readonly Version[];
  readonly roles: readonly Version[];
  readonly timestamp: Version;
  readonly processes: readonly (Process | null)[];
  readonly requests: readonly Request[];
  readonly crashes: number;
  readonly lies: number;
}

const NOTHING: Version = { version: 0, by: 0 };
const same = (a: Version | undefined, b: Version | undefined): boolean => a?.version === b?.version && a?.by === b?.by;

/** Goes through every state that can be reached. @returns what is wrong in the first bad one, and how many were seen */
export function search(
  protocol: Protocol,
  bounds: Bounds,
): { complaint: string | undefined; states: number; done: number } {
  const first: State = {
    term: 0,
    recorded: [],
    acknowledged: [],
    roles: [],
    timestamp: NOTHING,
    processes: [null, null],
    requests: [],
    crashes: 0,
    lies: 0,
  };
  const seen = new Set([JSON.stringify(first)]);
  let done = 0;
  for (let edge = [first]; edge.length > 0; ) {
    const next: State[] = [];
    for (const state of edge) {
      if (state.acknowledged.length === bounds.publications) done++;
      for (const after of successors(state, protocol, bounds)) {
        const complaint = wrongWith(state, after);
        if (complaint !== undefined) return { complaint, states: seen.size, done };
        const key = JSON.stringify(after);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(after);
      }
    }
    edge = next;
  }
  return { complaint: undefined, states: seen.size, done };
}

/** What readers and uploaders must never see. */
function wrongWith(before: State, after: State): string | undefined {
  const { timestamp, roles, acknowledged } = after;
  if (timestamp.version < before.timestamp.version) return 'the timestamp went back';
  if (timestamp.version === before.timestamp.version && timestamp.by !== before.timestamp.by)
    return 'one version of the timestamp shows two contents';
  if (timestamp.version > 0 && !roles.some((role) => same(role, timestamp)))
    return 'the timestamp leads to what is not there';
  for (const role of before.roles)
    if (!roles.some((other) => same(other, role))) return 'one version of a role shows two contents';
  for (const each of acknowledged) {
    if (each.version > timestamp.version) return 'an upload was acknowledged that the timestamp does not lead to';
    if (!roles.some((role) => same(role, each))) return 'what was acknowledged was replaced';
  }
  return undefined;
}

function successors(state: State, protocol: Protocol, bounds: Bounds): State[] {
  const found: State[] = [];
  for (const [at, process] of state.processes.entries()) {
    // Also while another one leads: that may only be stopped.
    if (!process && state.term < bounds.terms) {
      const term = state.term + 1;
      found.push({ ...withProcess(state, at, { term, step: 0, waits: false }), term });
    }
    if (process && state.crashes < bounds.crashes) {
      found.push({ ...withProcess(state, at, null), crashes: state.crashes + 1 });
    }
    if (process) found.push(...advance(state, at, process, protocol, bounds));
  }
  for (const request of state.requests) found.push(...arrive(state, request, protocol, bounds));
  return found;
}

function advance(state: State, at: number, process: Process, protocol: Protocol, bounds: Bounds): State[] {
  const { pending } = process;
  const move = (change: Partial<Process> | null): State =>
    withProcess(state, at, change === null ? null : { ...process, ...change });
  if (process.waits) {
    // It gives up waiting and sends the same again.
    return state.requests.length < bounds.requests ? [move({ waits: false })] : [];
  }
  if (!pending) {
    const unfinished = state.recorded.find((each) => !state.acknowledged.some((other) => same(other, each)));
    if (unfinished) return [move({ pending: unfinished, step: afterRecord(protocol) })];
    const version = state.recorded.length + 1;
    return version > bounds.publications ? [] : [move({ pending: { version, by: process.term }, step: 0 })];
  }
  const isOver = protocol.fenced && state.term !== process.term;
  switch (protocol.steps[process.step]) {
    case 'record': {
      const others = state.recorded.filter(({ version }) => version !== pending.version);
      if (isOver || (protocol.fenced && others.length < state.recorded.length)) return [move(null)];
      return [{ ...move({ step: process.step + 1 }), recorded: [...others, pending] }];
    }
    case 'put roles':
      return send(move({ waits: true }), { from: at, kind: 'role', what: pending }, bounds);
    case 'read back':
      if (state.roles.some((role) => same(role, pending))) return [move({ step: process.step + 1 })];
      return [move({ step: protocol.steps.indexOf('put roles') })];
    case 'switch timestamp':
      if (same(state.timestamp, pending)) return [move({ step: process.step + 1 })];
      if (state.timestamp.version >= pending.version) return [move(null)];
      return send(move({ waits: true }), { from: at, kind: 'timestamp', what: pending, tag: state.timestamp }, bounds);
    case 'mark published':
      if (isOver) return [move(null)];
      return [acknowledge(withProcess(state, at, next(process, protocol)), pending)];
    case undefined:
    default:
      return [move({ step: 0 })];
  }
}

const afterRecord = ({ steps }: Protocol): number => steps.indexOf('record') + 1;

function acknowledge(state: State, what: Version): State {
  if (state.acknowledged.some((each) => same(each, what))) return state;
  return { ...state, acknowledged: [...state.acknowledged, what] };
}

/** The step after this one; behind the last it looks for what to do. */
function next(process: Process, { steps }: Protocol): Process {
  if (process.step + 1 < steps.length) return { ...process, step: process.step + 1, waits: false };
  return { term: process.term, step: 0, waits: false };
}

function send(state: State, request: Request, bounds: Bounds): State[] {
  if (state.requests.length >= bounds.requests) return [];
  return [{ ...state, requests: [...state.requests, request] }];
}

function arrive(state: State, request: Request, protocol: Protocol, bounds: Bounds): State[] {
  const { what } = request;
  const requests = state.requests.filter((other) => other !== request);
  const sender = state.processes[request.from];
  const step = request.kind === 'role' ? 'put roles' : 'switch timestamp';
  const hears = sender?.waits === true && protocol.steps[sender.step] === step && same(sender.pending, what);
  const answered = (after: State, ok: boolean): State => {
    if (!hears || !sender) return after;
    return withProcess(after, request.from, ok ? next(sender, protocol) : { ...sender, waits: false });
  };
  const left = { ...state, requests };
  if (request.kind === 'timestamp') {
    if (protocol.ifTag && !same(state.timestamp, request.tag)) return [answered(left, false)];
    return [answered({ ...left, timestamp: what }, true)];
  }
  const there = state.roles.some(({ version }) => version === what.version);
  const roles = [...state.roles.filter(({ version }) => version !== what.version), what];
  const stored = answered({ ...left, roles: there && protocol.fenced ? state.roles : roles }, true);
  return state.lies < bounds.lies ? [stored, { ...answered(left, true), lies: state.lies + 1 }] : [stored];
}

function withProcess(state: State, at: number, process: Process | null): State {
  return { ...state, processes: state.processes.map((other, index) => (index === at ? process : other)) };
}
