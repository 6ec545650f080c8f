import type { Standing } from '../records/claims-schema.ts';

/** A file as somebody says that it is published. */
export interface SaidFile {
  readonly sha256: string;
  /** As in the records: null when not yanked. */
  readonly yanked: string | null;
  /** Who brought it, and when (milliseconds since 1970 UTC), where that is told. */
  readonly account?: string;
  readonly uploadedAt?: number;
}

export type SaidFiles = ReadonlyMap<string, SaidFile>;

/** What one state of an index says of a project. */
export interface SaidProject {
  readonly standing: Standing | 'unclaimed';
  readonly files: SaidFiles;
}

/** What became of a file since the last good state, as the index has it now; `unseen`: it is in neither. */
export type FileChange = 'unchanged' | 'added' | 'changed' | 'deleted' | 'yanked' | 'unyanked' | 'unseen';

export interface FileComparison {
  readonly filename: string;
  readonly changed: FileChange;
  /** SHA-256 in the last good state, and now. */
  readonly before?: string;
  readonly now?: string;
  /** Of the file that is there now. */
  readonly account?: string;
  readonly uploadedAt?: number;
  /** Whether a thief of all online keys could have made it so: then it has to be looked into. */
  readonly forgeable: boolean;
}

export type Standings = Standing | 'unclaimed' | 'none';

/** A project in its last good state, and now (PEP 458 "Recovery from a compromise"; P18, M12). */
export interface ProjectComparison {
  readonly project: string;
  readonly before: Standings;
  readonly now: Standings;
  /** In the order of their names. */
  readonly files: readonly FileComparison[];
}

/** What a recovery makes of a file; `absent`: nobody finds it, before and after. */
export type FileOutcome = 'kept' | 'restored' | 'discarded' | 'absent';

export interface FileReport extends FileComparison {
  readonly outcome: FileOutcome;
  /** SHA-256 after the recovery. */
  readonly after?: string;
}

/** What a recovery makes of a project. */
export interface ProjectReport extends ProjectComparison {
  readonly after: Standings;
  readonly files: readonly FileReport[];
}

/** Every file of a project, and those that are named `also`, compared. */
export function compareProject(
  project: string,
  then: SaidProject | undefined,
  now: SaidProject | undefined,
  also: Iterable<string> = [],
): ProjectComparison {
  const names = new Set([...(then?.files.keys() ?? []), ...(now?.files.keys() ?? []), ...also]);
  const files = [...names].sort().map((filename): FileComparison => {
    const [was, is] = [then?.files.get(filename), now?.files.get(filename)];
    const signed = (!was || isSignedElsewhere(then)) && (!is || isSignedElsewhere(now));
    return {
      filename,
      changed: changeOf(was, is),
      ...(was && { before: was.sha256 }),
      ...(is && { now: is.sha256 }),
      ...(is?.account !== undefined && { account: is.account }),
      ...(is?.uploadedAt !== undefined && { uploadedAt: is.uploadedAt }),
      forgeable: !signed,
    };
  });
  return { project, before: then?.standing ?? 'none', now: now?.standing ?? 'none', files };
}

/** The same, and what comes after. */
export function reportProject(
  project: string,
  then: SaidProject | undefined,
  now: SaidProject | undefined,
  after: SaidProject | undefined,
): ProjectReport {
  const { files, ...comparison } = compareProject(project, then, now, after?.files.keys());
  const reports = files.map((file): FileReport => {
    const [is, will] = [now?.files.get(file.filename), after?.files.get(file.filename)];
    return { ...file, outcome: outcomeOf(is, will), ...(will && { after: will.sha256 }) };
  });
  return { ...comparison, after: after?.standing ?? 'none', files: reports };
}

/**
 * What a project is to have after a recovery. What offline keys or developers signed counts. Of everything else the last good state
 * counts, and what operators checked one by one (`keep`: SHA-256 by filename).
 */
export function projectAfter(
  then: SaidProject | undefined,
  now: SaidProject | undefined,
  signed: SaidProject | undefined,
  keep: ReadonlyMap<string, string>,
): SaidProject | undefined {
  if (signed) return signed;
  const files = new Map(then?.files);
  for (const [filename, file] of now?.files ?? [])
    if (!files.has(filename) && keep.get(filename) === file.sha256) files.set(filename, file);
  if (!then && files.size === 0) return undefined;
  return { standing: 'unclaimed', files };
}

/** Whether nothing happened to it. */
export function isUnchanged({ before, now, files }: ProjectComparison): boolean {
  return before === now && files.every(({ changed }) => changed === 'unchanged');
}

/** Whether nothing happened to it, and the recovery changes nothing of it. */
export function isAsBefore(report: ProjectReport): boolean {
  return isUnchanged(report) && report.now === report.after && report.files.every(({ outcome }) => outcome === 'kept');
}

/** What such a project lists, developers or holders of offline keys signed. */
const isSignedElsewhere = (project: SaidProject | undefined): boolean =>
  project?.standing === 'claimed' || project?.standing === 'rarely-updated';

function changeOf(was: SaidFile | undefined, is: SaidFile | undefined): FileChange {
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
