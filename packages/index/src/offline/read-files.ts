import type { Kysely } from 'kysely';
import type { Standing } from '../records/claims-schema.ts';
import type { Database } from '../records/schema.ts';

const PAGE = 1_000;

/** A published file, and who answers for its project. */
export interface FileFact {
  readonly filename: string;
  readonly project: string;
  readonly sha256: string;
  /** The reason; empty when none was given; undefined when it is not yanked. */
  readonly yanked: string | undefined;
  readonly uploadTime: Date;
  readonly account: string;
  readonly standing: Standing | 'unclaimed';
}

/** Everything that is published, in the order of filenames. */
export async function* readFiles(db: Kysely<Database>): AsyncGenerator<FileFact> {
  for (let after = ''; ; ) {
    const rows = await db
      .selectFrom('files')
      .leftJoin('standings', 'standings.project', 'files.project')
      .select(['filename', 'files.project', 'sha256', 'yanked', 'uploaded_at', 'files.account', 'standing'])
      .where('state', '=', 'published')
      .where('filename', '>', after)
      .orderBy('filename')
      .limit(PAGE)
      .execute();
    for (const { yanked, uploaded_at, standing, ...row } of rows)
      yield {
        ...row,
        yanked: yanked ?? undefined,
        uploadTime: new Date(uploaded_at),
        standing: standing ?? 'unclaimed',
      };
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.filename;
  }
}
