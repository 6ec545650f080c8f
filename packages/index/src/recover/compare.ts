import type { Standing } from '../records/claims-schema.ts';

/** A file as somebody says that it is published. */
export interface SaidFile {
  readonly sha256: string;
  /** As in the records: null when not yanked. */
  readonly yanked: string | null;
}

export type SaidFiles = ReadonlyMap<string, SaidFile>;

/** What one state of an index says of a project. */
export interface SaidProject {
  readonly standing: Standing | 'unclaimed';
  readonly files: SaidFiles;
}

/** What became of a file since the last good state, as the index has it now. */
export type FileChanged = 'unchanged' | 'added' | 'changed' | 'deleted' | 'yanked' | 'unyanked' | 'unseen';

/** `absent`: it is in neither. */
export type FileOutcome = 'kept' | 'restored' | 'discarded' | 'absent';

export interface FileReport {
  readonly filename: string;
  readonly changed: FileChanged;
  readonly outcome: FileOutcome;
  /** In the last good state, now, and after the recovery. */
  readonly before?: string;
  readonly now?: string;
  readonly after?: string;
}

export type Standings = Standing | 'unclaimed' | 'none';

export interface ProjectReport {
  readonly project: string;
  readonly before: Standings;
  readonly now: Standings;
  readonly after: Standings;
  /** In the order of their names. */
  readonly files: readonly FileReport[];
}

/** What the offline keys and the developers' signatures say of a project, whoever had the index. */
export interface SignedProject {
  readonly standing: Standing;
  readonly files: SaidFiles;
}

/**
 * What a project is to have after a recovery. What offline keys or developers signed counts. Of everything else the last good state
 * counts, and what operators checked one by one (`keep`: SHA-256 by filename).
 */
export function projectAfter(
  then: SaidProject | undefined,
  now: SaidProject | undefined,
  signed: SignedProject | undefined,
  keep: ReadonlyMap<string, string>,
): SaidProject | undefined {
  if (signed) return signed;
  const files = new Map(then?.files);
  for (const [filename, file] of now?.files ?? [])
    if (!files.has(filename) && keep.get(filename) === file.sha256) files.set(filename, file);
  if (!then && files.size === 0) return undefined;
  return { standing: 'unclaimed', files };
}

/** A project before, with the thief, and after it, file by file. */
export function compareProject(
  project: string,
  then: SaidProject | undefined,
  now: SaidProject | undefined,
  after: SaidProject | undefined,
): ProjectReport {
  const names = new Set([then, now, after].flatMap((state) => [...(state?.files.keys() ?? [])]));
  const files = [...names].sort().map((filename): FileReport => {
    const [was, is, will] = [then, now, after].map((state) => state?.files.get(filename));
    return {
      filename,
      changed: changeOf(was, is),
      outcome: outcomeOf(is, will),
      ...(was && { before: was.sha256 }),
      ...(is && { now: is.sha256 }),
      ...(will && { after: will.sha256 }),
    };
  });
  const [a, b, c] = [then, now, after].map((state) => state?.standing ?? 'none');
  return { project, before: a ?? 'none', now: b ?? 'none', after: c ?? 'none', files };
}

function changeOf(was: SaidFile | undefined, is: SaidFile | undefined): FileChanged {
  if (!was) return is ? 'added' : 'unseen';
  if (!is) return 'deleted';
  if (was.sha256 !== is.sha256) return 'changed';
  if (was.yanked === is.yanked) return 'unchanged';
  return is.yanked === null ? 'unyanked' : 'yanked';
}

function outcomeOf(is: SaidFile | undefined, will: SaidFile | undefined): FileOutcome {
  if (!will) return is ? 'discarded' : 'absent';
  return is?.sha256 === will.sha256 && is.yanked === will.yanked ? 'kept' : 'restored';
}

/** Whether the recovery changes nothing of it, and nothing happened to it. */
export function isAsBefore({ before, now, after, files }: ProjectReport): boolean {
  const quiet = files.every(({ changed, outcome }) => changed === 'unchanged' && outcome === 'kept');
  return quiet && before === now && now === after;
}
