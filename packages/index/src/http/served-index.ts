import type { ProjectName, ProjectPage } from '@holdfast/python-index';
import type { AccountKeys } from '../accounts/account-keys.ts';
import type { Identity } from '../accounts/accounts.ts';
import type { FileBefore } from '../catalog.ts';
import type { ProjectLookup } from '../metadata.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { OfflineExpiry } from '../offline/expiry.ts';
import type { Probe } from './health.ts';
import type { NewFile, Published } from '../publish/new-file.ts';
import type { ProjectTransactions } from '../transactions/project-transactions.ts';

/** What the server needs of an index: what `openIndex` gives, and no more. */
export interface ServedIndex {
  /** What must work for people to install and upload, by name. */
  readonly probes: ReadonlyMap<string, Probe>;
  readonly objects: ObjectStore;
  readonly publisher: {
    publish(file: NewFile): Promise<Published>;
    setYanked(
      project: ProjectName,
      filenames: readonly string[],
      yanked: boolean | string,
    ): Promise<{ readonly timestampVersion: number }>;
  };
  readonly catalog: {
    /** Published files only. */
    projectPage(project: ProjectName): Promise<ProjectPage | undefined>;
    projectNames(): Promise<readonly string[]>;
    before(project: ProjectName, filename: string): Promise<FileBefore>;
    /** Where the bytes of a listed file are that are not here: an address before the filename; empty when nobody knows. */
    locationOf(filename: string, sha256: string): Promise<string | undefined>;
    /** Changes whenever anything that the project's page shows has changed; without a project, anything at all. */
    revision(project?: ProjectName): number;
  };
  readonly accounts: {
    authenticate(token: string): Promise<Identity | undefined>;
    /** Whether who holds this token may publish for the project, or create it. */
    mayPublish(identity: Identity, project: ProjectName, filename?: string): Promise<boolean>;
  };
  readonly accountKeys: Pick<AccountKeys, 'fingerprint' | 'list' | 'add' | 'remove'>;
  readonly transactions: Pick<
    ProjectTransactions,
    'submit' | 'status' | 'discard' | 'giveWay' | 'withdraw' | 'projectsOf'
  >;
  /** When the offline keys are to sign next, where that is known. */
  nextSigning(): Promise<Date | undefined>;
  /** Roles of offline keys that expire soon. */
  expiringSoon(): Promise<readonly OfflineExpiry[]>;
  readonly metadata: {
    /** The newest published metadata of a role, such as `timestamp` or `unclaimed`. */
    newest(role: string): Promise<Uint8Array | undefined>;
    /** Every role that can answer for a project in a recent snapshot; `undefined` when it is not kept any more. */
    lookup(rootHash: string, project: ProjectName): ProjectLookup | undefined;
    /** A version of a role as a zstd delta against an older one with this SHA-256; `undefined` when there is none. */
    delta(role: string, version: number, dictionary: string): Promise<Uint8Array | undefined>;
  };
}
