import type { ProjectName } from '@holdfast/python-index';
import { CLAIMED, type QuietFact, type RotatedFact } from '@holdfast/trust';
import { OfflineFileError } from '../errors.ts';
import { decodeItem } from '../export/decode.ts';
import type { ExportItem, SigningOrder } from '../export/model.ts';
import { type Entry, readEntries } from '../file/entries.ts';
import { judgeClaim, type Judged } from './judge.ts';
import { type Present, verifyPresent } from './present.ts';

export const EXPORT_FORMAT = 'holdfast-offline-export-1';

/** An export, with everything verified that can be. */
export interface LoadedExport {
  /** SHA-256 of what the file says: what signatures are made for. */
  readonly id: string;
  readonly order: SigningOrder;
  readonly present: Present;
  /** Versions of roles that left their trees. */
  readonly retired: ReadonlyMap<string, number>;
  readonly claims: readonly Judged[];
  readonly rotated: readonly RotatedFact[];
  readonly quiet: readonly QuietFact[];
  /** Projects that are not rarely updated any more, and why. */
  readonly leaving: ReadonlyMap<ProjectName, string>;
  readonly exclude: ReadonlySet<ProjectName>;
  readonly accept: ReadonlySet<ProjectName>;
}

/** The items of an export, one at a time; ends with its id. @throws OfflineFileError */
export async function* readItems(path: string): AsyncGenerator<ExportItem, string, void> {
  const entries = readEntries(path, EXPORT_FORMAT);
  const next = async (): Promise<Entry> => {
    const following = await entries.next();
    if (following.done === true) throw new OfflineFileError(path, 'entries are missing');
    return following.value;
  };
  try {
    for (let read = await entries.next(); ; read = await entries.next()) {
      if (read.done === true) return read.value;
      yield await decodeItem(read.value, next);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'FORMAT' || error.code === 'INVALID_TARGET'))
      throw new OfflineFileError(path, error.message, { cause: error });
    throw error;
  }
}

/** Kinds in the order in which a file has them. */
const ORDER = ['order', 'root', 'role', 'retired', 'claim', 'rotated', 'quiet', 'leave', 'decision'] as const;

/**
 * Reads an export and verifies what is published, and every claim. Bytes of projects' metadata are let go as soon as they are verified,
 * so that many claims need little memory.
 * @throws OfflineFileError, ExportRefusedError
 */
export async function loadExport(path: string): Promise<LoadedExport> {
  const reader = new Reader(path);
  const items = readItems(path);
  for (let read = await items.next(); ; read = await items.next()) {
    if (read.done === true) return reader.end(read.value);
    await reader.take(read.value);
  }
}

class Reader {
  readonly #path: string;
  readonly #roots: Uint8Array[] = [];
  readonly #roles = new Map<string, Uint8Array>();
  readonly #retired = new Map<string, number>();
  readonly #claims: Judged[] = [];
  readonly #rotated: RotatedFact[] = [];
  readonly #quiet: QuietFact[] = [];
  readonly #leaving = new Map<ProjectName, string>();
  readonly #decided = { exclude: new Set<ProjectName>(), accept: new Set<ProjectName>() };
  #order: SigningOrder | undefined;
  #present: Present | undefined;
  #stage = 0;
  /** Names of what came last, by kind: each is named once, in order. */
  readonly #last = new Map<string, string>();

  constructor(path: string) {
    this.#path = path;
  }

  async take(item: ExportItem): Promise<void> {
    this.#assertOrder(item);
    if (item.kind === 'order') this.#order = item.order;
    else if (item.kind === 'root') this.#roots.push(item.bytes);
    else if (item.kind === 'role') this.#roles.set(item.role, item.bytes);
    else if (item.kind === 'retired') this.#retired.set(item.role, item.version);
    else if (item.kind === 'claim') await this.#takeClaim(item.claim);
    else if (item.kind === 'rotated') this.#rotated.push(item.rotated);
    else if (item.kind === 'quiet') this.#quiet.push(item.quiet);
    else if (item.kind === 'leave') this.#leaving.set(item.project, item.reason);
    else this.#decided[item.decision].add(item.project);
  }

  async end(id: string): Promise<LoadedExport> {
    if (!this.#order) throw new OfflineFileError(this.#path, 'it does not say what is wanted');
    const present = await this.#verified();
    const read = { claims: this.#claims, rotated: this.#rotated, quiet: this.#quiet, leaving: this.#leaving };
    return { id, order: this.#order, present, retired: this.#retired, ...read, ...this.#decided };
  }

  async #takeClaim(claim: Parameters<typeof judgeClaim>[0]): Promise<void> {
    const known = (await this.#verified()).trees.get(CLAIMED)?.tree.projects.get(claim.project);
    const judged = await judgeClaim(claim, known);
    this.#claims.push({ ...judged, claim: { ...claim, metadata: new Uint8Array(), events: [] } });
  }

  async #verified(): Promise<Present> {
    this.#present ??= await verifyPresent(this.#roots, this.#roles);
    this.#roles.clear();
    return this.#present;
  }

  #assertOrder(item: ExportItem): void {
    const stage = ORDER.indexOf(item.kind);
    const name = nameOf(item);
    const last = this.#last.get(item.kind);
    const again = item.kind !== 'root' && last !== undefined && (name === '' || name <= last);
    if (stage < this.#stage || again)
      throw new OfflineFileError(this.#path, `its ${item.kind} ${name} is out of order`);
    this.#stage = stage;
    this.#last.set(item.kind, name);
  }
}

function nameOf(item: ExportItem): string {
  if (item.kind === 'role' || item.kind === 'retired') return item.role;
  if (item.kind === 'claim') return item.claim.project;
  if (item.kind === 'rotated') return item.rotated.project;
  if (item.kind === 'quiet') return item.quiet.project;
  if (item.kind === 'decision') return `${item.decision} ${item.project}`;
  return item.kind === 'leave' ? item.project : '';
}
