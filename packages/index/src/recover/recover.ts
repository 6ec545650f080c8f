import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { raiseVersions } from '../backup/raise-versions.ts';
import { JUMP } from '../backup/restore.ts';
import { applyPlan } from './apply-records.ts';
import type { ProjectReport } from './compare.ts';
import { readKeptFiles } from './kept-files.ts';
import { plannedProjects, planRecovery, type RecoveryPlan } from './plan.ts';
import { putCoreMetadata, recoverMetadata } from './recover-metadata.ts';
import { type ObjectCounts, type RecoveredObject, recoverObjects } from './recover-objects.ts';
import { type RecoveryPlaces, withPlaces } from './places.ts';
import { settle } from '../records/records-file.ts';
import { assertPlace, switchRecords } from './switch-records.ts';

export interface RecoverOptions {
  /** Of the index; nobody serves it. */
  readonly directory: string;
  /** As `backupIndex` made it. */
  readonly backup: string;
  /** The newest publication that is believed: version of its timestamp. A backup of a later one is refused. */
  readonly since: number;
  /** SHA-256 by filename: unclaimed files published since then that the operators checked. */
  readonly keep?: ReadonlyMap<string, string>;
  readonly keepTokens?: boolean;
  /** Where the recovered records go: needed where they are in PostgreSQL. An empty database, or what an attempt before left there. */
  readonly records?: string | undefined;
  readonly now?: Date;
}

/** Is told what becomes of each project, in the order of their names, and of each object that was not as it should be. */
export interface RecoverWatch {
  project?(report: ProjectReport): void | Promise<void>;
  object?(object: RecoveredObject): void;
}

export type RecoveryFacts = Omit<RecoveryPlan, 'roots'>;

export interface Recovered extends RecoveryFacts {
  readonly objects: ObjectCounts;
  /** The index goes on after this version of the timestamp. */
  readonly timestampVersion: number;
  /** Where the records and objects are that were taken out, for those who look into the theft. A database stays where it is. */
  readonly aside: string;
}

/**
 * What a recovery would do; nothing is changed. O(n) time and disk for n files; memory for a page of rows, a project and a role.
 * @throws NoBackupError, WrongBackupError, IndexInUseError, DamagedIndexError, KeptFileError
 */
export function planRecover(options: RecoverOptions, watch: RecoverWatch = {}): Promise<RecoveryFacts> {
  return withPlaces(options, async (places) => {
    const { facts } = await lookInto(places, options, watch);
    return facts;
  });
}

/**
 * Makes the index what the plan says: the records of the backup, with what offline keys and developers signed since then and the files
 * that operators checked. They are made beside the present ones and take their place in one step, at the end: broken off anywhere, the
 * same call begins anew. Records in PostgreSQL are retired first: whoever still serves from them writes and signs nothing from then on.
 * Costs as much as {@link planRecover}, and reads every object.
 * @throws as {@link planRecover}; NewRecordsNeededError, IndexExistsError
 */
export function recoverIndex(options: RecoverOptions, watch: RecoverWatch = {}): Promise<Recovered> {
  const { directory, backup, now = new Date(), keepTokens = false } = options;
  return withPlaces(options, async (places) => {
    await assertPlace(places, options.records);
    const { plan, facts, kept } = await lookInto(places, options, watch);
    const { good, table, objects, fresh, seen } = places;
    const projects = plannedProjects(places, options.keep ?? new Map<string, string>());
    await good.write((db) => applyPlan(db, { plan, good, table, projects, kept, now, keepTokens }));
    const timestampVersion = await raiseVersions(good, JUMP, seenVersion(plan), now);
    await good.close();
    settle(fresh);
    const aside = join(directory, `stolen-${now.toISOString().replaceAll(':', '')}`);
    await mkdir(aside, { recursive: true, mode: 0o700 });
    if (seen !== undefined) await rename(seen, join(aside, 'records.sqlite'));
    await places.shared?.lease.retire();
    for (const file of kept.values()) await putCoreMetadata(objects, file);
    const tell = (object: RecoveredObject): void => watch.object?.(object);
    const counts = await recoverObjects({ objects, records: fresh, backup, aside, tell });
    await recoverMetadata(objects, table, plan.roots);
    await switchRecords(places, options.records);
    return { ...facts, objects: counts, timestampVersion, aside };
  });
}

/** A thief may have counted so far that nothing comes after it; a new root makes installers forget that (TUF 1.0.34 §5.3.11). */
function seenVersion({ before, now }: RecoveryPlan): number {
  return now - before < 10 * JUMP ? now : before;
}

async function lookInto(places: RecoveryPlaces, { keep = new Map() }: RecoverOptions, watch: RecoverWatch) {
  const plan = await planRecovery(places);
  const kept = await readKeptFiles(places.objects, places.table, keep);
  for await (const report of plannedProjects(places, keep)) await watch.project?.(report);
  const { roots: _, ...facts } = plan;
  return { plan, facts, kept };
}
