import type { CreateTableBuilder, Generated, Kysely } from 'kysely';
import type { ColumnTypes } from '../records/column-types.ts';

/** What holders of offline keys signed, on its way from an admin command to the process that signs. */
export interface OfflineImportsTable {
  id: Generated<number>;
  recorded_at: number;
  /** `filling`: the command writes it. */
  state: 'filling' | 'waiting' | 'publishing' | 'published' | 'refused';
  /** Why it was refused, for people. */
  message: string | null;
  /** Of the timestamp that brought it. */
  timestamp_version: number | null;
}

export interface OfflineImportRolesTable {
  import_id: number;
  role: string;
  /** Null for a role that leaves. */
  bytes: Uint8Array | null;
}

export async function createOfflineTables(
  db: Kysely<unknown>,
  { text, integer, bytes, counter, tableSuffix }: ColumnTypes,
): Promise<void> {
  const create = async (
    name: string,
    columns: (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>,
  ): Promise<void> => {
    await columns(db.schema.createTable(name)).modifyEnd(tableSuffix).execute();
  };
  await create('offline_imports', (t) =>
    t
      .addColumn('id', counter)
      .addColumn('recorded_at', integer, (c) => c.notNull())
      .addColumn('state', text, (c) => c.notNull())
      .addColumn('message', text)
      .addColumn('timestamp_version', integer),
  );
  // Root and targets among them. They go once the import has an outcome.
  await create('offline_import_roles', (t) =>
    t
      .addColumn('import_id', integer, (c) => c.notNull().references('offline_imports.id'))
      .addColumn('role', text, (c) => c.notNull())
      .addColumn('bytes', bytes)
      .addPrimaryKeyConstraint('offline_import_roles_primary', ['import_id', 'role']),
  );
}
