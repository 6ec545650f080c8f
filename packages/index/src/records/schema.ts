import type { Generated } from 'kysely';
import type { FeedTable } from '../feed/feed-table.ts';
import type { OfflineImportRolesTable, OfflineImportsTable } from '../offline/offline-tables.ts';
import type {
  AccountKeysTable,
  ClaimsWaitingTable,
  EvidenceTable,
  OfferedRolesTable,
  OfferedStandingsTable,
  StandingsTable,
  TransactionRolesTable,
  TransactionsTable,
} from './claims-schema.ts';

/**
 * The records, as kysely sees them on every dialect. Times are integers: milliseconds since 1970 UTC. Digests are
 * lower-case hex. What each table means is said in `migrations.ts`, beside the statement that makes it.
 */
export interface Database {
  readonly accounts: { name: string; created_at: number };
  readonly tokens: TokensTable;
  readonly projects: ProjectsTable;
  readonly members: { project: string; account: string; added_at: number };
  readonly files: FilesTable;
  readonly changes: ChangesTable;
  readonly publications: PublicationsTable;
  readonly roles: RolesTable;
  readonly prepared: PreparedTable;
  readonly offline_roles: { role: string; version: number; bytes: Uint8Array };
  /** `sha256` is empty where it was replaced before that was noted. */
  readonly replaced: { role: string; version: number; sha256: string; publication: number };
  readonly imports: { source: string; cursor: string; updated_at: number };
  readonly mass_publications: MassPublicationsTable;
  /** One row. */
  readonly signing: { id: number; term: number; beat: number; holder: string | null };
  /** One row, once the feed has begun. */
  readonly feed: FeedTable;
  readonly account_keys: AccountKeysTable;
  readonly standings: StandingsTable;
  /** What `standings` says, the other way round. The database writes it. */
  readonly standing_keys: { keyid: string; project: string };
  readonly claims_waiting: ClaimsWaitingTable;
  readonly evidence: EvidenceTable;
  readonly transactions: TransactionsTable;
  readonly transaction_roles: TransactionRolesTable;
  readonly offered_roles: OfferedRolesTable;
  readonly offered_standings: OfferedStandingsTable;
  readonly offline_imports: OfflineImportsTable;
  readonly offline_import_roles: OfflineImportRolesTable;
  readonly roots: { version: number; publication: number; bytes: Uint8Array };
}

export interface TokensTable {
  id: string;
  account: string;
  project: string | null;
  label: string;
  sha256: string;
  created_at: number;
  revoked_at: number | null;
}

export interface ProjectsTable {
  name: string;
  display_name: string;
  created_at: number;
  created_by: string;
  /** Sum of the sizes of its files that are not deleted. */
  bytes: number;
}

/**
 * `imported`: it came with an import and waits for its first publication. `staged`: it waits for metadata that those who answer for
 * the project sign.
 */
export type FileState = 'imported' | 'staged' | 'queued' | 'published' | 'deleted';

export interface FilesTable {
  filename: string;
  project: string;
  /** The first 6 hex digits of SHA-256 of the project name, as a number: ranges of it are roles. */
  bin: number;
  version: string;
  kind: string;
  size: number;
  sha256: string;
  metadata_sha256: string | null;
  metadata_size: number | null;
  requires_python: string | null;
  /** The reason; empty when none was given; null when not yanked. */
  yanked: string | null;
  uploaded_at: number;
  account: string;
  state: FileState;
  /** Where the bytes are that are not in the object store: `import-schema.ts`. */
  location: string | null;
}

export interface MassPublicationsTable {
  id: Generated<number>;
  begun_at: number;
  /** 0: what an import brought; 1: every role; 2: only what an offline signing changes. */
  everything: number;
  root: Uint8Array | null;
  targets: Uint8Array | null;
  next_bin: number;
  attempt: number;
  publication: number | null;
}

export type FileChangeKind = 'add' | 'yank' | 'unyank' | 'delete';
export type ChangeKind = FileChangeKind | 'transaction';

export interface ChangesTable {
  id: Generated<number>;
  kind: ChangeKind;
  /** Null for `transaction`. */
  filename: string | null;
  /** For `yank`: the reason, or empty. */
  reason: string | null;
  account: string | null;
  recorded_at: number;
  /** The publication that signed it; null while it waits. */
  publication: number | null;
  /** The transaction that it is, or that makes this change of a file: then both are published together. */
  transaction_id: number | null;
  /** 1: an offline signing makes it. Nobody waits for it, and it does not wait its turn. */
  offered: Generated<number>;
}

export interface PublicationsTable {
  /** The version of its timestamp. */
  id: number;
  snapshot: number;
  /** That snapshot lists the roles as this publication, or an earlier one, left them. */
  lists: number;
  prepared_at: number;
  /** Null until everything is in the object store. At most one is null. */
  published_at: number | null;
}

/** What is published. */
export interface RolesTable {
  role: string;
  version: number;
  /** Milliseconds since 1970 UTC, as signed. */
  expires_at: number;
  /** The publication that brought this version, or that retired the role. */
  publication: number;
  sha256: string;
  /** Bytes. */
  length: number;
  /** 1: the bin tree does not lead here any more. Otherwise 0. */
  retired: number;
}

/** What the publication that is prepared makes of roles. */
export interface PreparedTable extends RolesTable {
  /** Null where there is nothing to put into the object store. */
  bytes: Uint8Array | null;
}
