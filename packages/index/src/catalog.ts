import { normalizeName, type ProjectName, type ProjectPage } from '@holdfast/python-index';
import { fileUrlPath, targetPath } from '@holdfast/trust';
import { distributionOf } from './publish/file-rows.ts';
import type { Records } from './records/records.ts';

/** What there is of a file that is to come. */
export interface FileBefore {
  /** Of the file that has this name, or had it; `undefined` while the name is free. */
  readonly sha256: string | undefined;
  /** It waits to be signed. */
  readonly isStaged: boolean;
  /** Of the files of the project together. */
  readonly projectBytes: number;
}

/** What project pages show: published files only. */
export class Catalog {
  readonly #records: Records;
  #revision = 0;
  /** Of the projects that changed since this process began. */
  readonly #revisions = new Map<string, number>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** `undefined` for a project without published files. File addresses are relative to `/simple/<name>/`. */
  async projectPage(project: ProjectName): Promise<ProjectPage | undefined> {
    const rows = await this.#records.read
      .selectFrom('files')
      .selectAll()
      .where('project', '=', project)
      .where('state', '=', 'published')
      .orderBy('uploaded_at')
      .orderBy('filename')
      .execute();
    if (rows.length === 0) return undefined;
    const files = rows.map((row) => {
      const file = distributionOf(row);
      const { coreMetadata } = file;
      return {
        ...file,
        url: `../../${fileUrlPath(targetPath(file.project, file.filename), file.sha256)}`,
        ...(coreMetadata && { coreMetadata: { sha256: coreMetadata.sha256 } }),
      };
    });
    return { name: project, files };
  }

  /** Projects with published files, sorted. */
  async projectNames(): Promise<readonly string[]> {
    const rows = await this.#records.read
      .selectFrom('files')
      .select('project')
      .distinct()
      .where('state', '=', 'published')
      .execute();
    return rows.map(({ project }) => normalizeName(project)).sort();
  }

  /** What there is of a file that is to come, in one question: the file that has, or had, its name, and the bytes of the project's files together. */
  async before(project: ProjectName, filename: string): Promise<FileBefore> {
    const row = await this.#records.read
      .selectNoFrom((eb) => [
        eb.selectFrom('files').select('sha256').where('filename', '=', filename).as('sha256'),
        eb.selectFrom('files').select('state').where('filename', '=', filename).as('state'),
        eb.selectFrom('projects').select('bytes').where('name', '=', project).as('bytes'),
      ])
      .executeTakeFirstOrThrow();
    return { sha256: row.sha256 ?? undefined, isStaged: row.state === 'staged', projectBytes: row.bytes ?? 0 };
  }

  /** The hash of the file that has this name, or had it; `undefined` while the name is free. */
  async sha256Of(filename: string): Promise<string | undefined> {
    const { read } = this.#records;
    const row = await read.selectFrom('files').select('sha256').where('filename', '=', filename).executeTakeFirst();
    return row?.sha256;
  }

  /** Where the bytes of a published file are that an import did not bring: `import-schema.ts`. */
  async locationOf(filename: string, sha256: string): Promise<string | undefined> {
    const row = await this.#records.read
      .selectFrom('files')
      .select('location')
      .where('filename', '=', filename)
      .where('sha256', '=', sha256)
      .where('state', '=', 'published')
      .executeTakeFirst();
    return row?.location ?? undefined;
  }

  /** Changes whenever anything that the project's page shows has changed; without a project, anything at all. */
  revision(project?: ProjectName): number {
    return project === undefined ? this.#revision : (this.#revisions.get(project) ?? 0);
  }

  /** The publisher says that changes of these projects are visible. */
  changed(projects: ReadonlySet<string>): void {
    if (projects.size === 0) return;
    this.#revision++;
    for (const project of projects) this.#revisions.set(project, this.#revision);
  }
}
