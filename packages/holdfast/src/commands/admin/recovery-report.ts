import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import {
  type FileReport,
  isAsBefore,
  type ProjectReport,
  type RecoveredObject,
  type Recovered,
  type RecoveryFacts,
} from '@holdfast/index';
import { print, printAll } from '../../terminal.ts';

/** What a recovery does, or did, for people and for programs: told as it comes, since there may be more than fits into memory. */
export class RecoveryReport {
  readonly #json: boolean;
  readonly #file: ReportFile | undefined;
  readonly #counts = new Counts();

  private constructor(json: boolean, file: ReportFile | undefined) {
    this.#json = json;
    this.#file = file;
  }

  /** @param path where all of it is written as JSON, if anywhere. @param json it is printed as lines of JSON */
  static async begin(path: string | undefined, json: boolean): Promise<RecoveryReport> {
    return new RecoveryReport(json, path === undefined ? undefined : await ReportFile.create(path));
  }

  /** Every project to which something happened, file by file. */
  async project(report: ProjectReport): Promise<void> {
    this.#counts.add(report);
    if (isAsBefore(report)) return;
    const told = { ...report, files: report.files.filter(differs) };
    await this.#file?.add('projects', told);
    await printAll([this.#json ? JSON.stringify(told) : projectText(told)]);
  }

  object(object: RecoveredObject): void {
    if (this.#json) print(JSON.stringify(object));
    else if (object.outcome === 'missing') print(`! missing: ${object.key}`);
  }

  /** The counts come last. */
  async end(facts: RecoveryFacts | Recovered): Promise<void> {
    await this.#file?.end(facts);
    if (this.#json) print(JSON.stringify(facts));
    else
      print([...headOf(facts), ...this.#counts.text(), ...('objects' in facts ? objectLines(facts) : [])].join('\n'));
  }

  /** Leaves nothing half-written. */
  async abandon(): Promise<void> {
    await this.#file?.abandon();
  }
}

const differs = ({ changed, outcome }: FileReport): boolean => changed !== 'unchanged' || outcome !== 'kept';

function headOf({ before, now, strangeRows }: RecoveryFacts): string[] {
  const strange = strangeRows === 0 ? [] : [`Rows that no index writes, passed over: ${strangeRows}.`];
  return [`Last good state: publication ${before}. Present: ${now}.`, ...strange];
}

function objectLines({ objects, aside, timestampVersion }: Recovered): string[] {
  const { good, copied, missing, setAside, foreign } = objects;
  const stay = foreign === 0 ? '' : `, ${foreign} under names that no index gives stay`;
  return [
    `Objects: ${good} good, ${copied} copied from the backup, ${missing} missing, ${setAside} set aside${stay}.`,
    `What was taken out is in ${aside}. The index goes on after timestamp ${timestampVersion}.`,
  ];
}

function projectText({ project, before, now, after, files }: ProjectReport): string {
  const standing = before === now && now === after ? after : `${before} → ${now}, becomes ${after}`;
  const lines = files.map((file) => {
    const hash = file.after ?? file.now ?? file.before ?? '';
    const mark = file.outcome === 'discarded' ? '-' : file.outcome === 'restored' ? '+' : ' ';
    return `  ${mark} ${file.outcome.padEnd(9)} ${file.changed.padEnd(9)} ${hash}  ${file.filename}`;
  });
  return [`${project}: ${standing}`, ...lines].join('\n');
}

/** How many of each kind. */
class Counts {
  readonly #files = new Map<string, number>();
  readonly #projects = new Map<string, number>();

  add({ now, before, after, files }: ProjectReport): void {
    count(this.#projects, after);
    if (now === 'recently-claimed' && before !== now && after !== now) count(this.#projects, 'discarded claims');
    for (const file of files) {
      if (!differs(file)) count(this.#files, 'same');
      count(this.#files, file.changed);
      count(this.#files, file.outcome);
    }
  }

  text(): string[] {
    const [file, project] = [of(this.#files), of(this.#projects)];
    const yanks = file('yanked') + file('unyanked');
    return [
      `Files: ${file('same')} as they were; since then ${file('added')} added, ${file('changed')} changed, ` +
        `${file('deleted')} deleted, ${yanks} yanked or unyanked.`,
      `  restored ${file('restored')}, discarded ${file('discarded')}`,
      `Projects: ${project('claimed')} claimed and ${project('rarely-updated')} rarely updated, as signed offline; ` +
        `${project('recently-claimed')} recently claimed before; ${project('unclaimed')} unclaimed.`,
      `  claims since then that are discarded: ${project('discarded claims')}`,
    ];
  }
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
const of =
  (counts: ReadonlyMap<string, number>) =>
  (key: string): number =>
    counts.get(key) ?? 0;

/** A JSON document that is written while it comes to be, and is there once it is whole. */
class ReportFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #first = true;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<ReportFile> {
    return new ReportFile(path, await open(`${path}.new`, 'w', 0o600));
  }

  /** Into the list that the document begins with. */
  async add(list: string, item: object): Promise<void> {
    await this.#handle.write(`${this.#first ? `{ "${list}": [\n` : ',\n'}${JSON.stringify(item)}`);
    this.#first = false;
  }

  async end(facts: object): Promise<void> {
    const rest = JSON.stringify(facts).slice(1);
    await this.#handle.write(`${this.#first ? '{ "projects": [' : ''}\n],\n${rest}\n`);
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#path}.new`, this.#path);
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {}); // It may have ended.
    await rm(`${this.#path}.new`, { force: true });
  }
}
