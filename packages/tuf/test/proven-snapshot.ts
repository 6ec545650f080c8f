import { createHash } from 'node:crypto';
import {
  type MetaFile,
  NetworkError,
  NotFoundError,
  parseSnapshot,
  type ProofRequest,
  type ProvenPart,
  type SnapshotProofs,
  type Timestamp,
} from '@holdfast/tuf';
import { delegate, emptyFile, key, TestRepository } from './repository.ts';

type Mode = 'serving' | 'gone' | 'down' | 'none';

/**
 * Proofs without a tree: who holds the list of a root can answer for it. `targets` delegates to `bins`, and that to one bin for each
 * first segment of a path; a part for a segment has these three.
 */
export class ListedProofs implements SnapshotProofs {
  readonly repository: TestRepository;
  /** Subjects in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** How a server answers; `undefined`: there are no proofs. */
  mode: Mode = 'serving';
  /** How it answers next, before `mode` counts again. */
  readonly modes: Mode[] = [];
  /** Whether timestamps name a root. */
  named = true;
  /** Changes an answer before it is given. */
  forge: (part: ProvenPart) => ProvenPart = (part) => part;
  /** Bytes of the roles go along. */
  brings = true;
  private readonly lists = new Map<string, ReadonlyMap<string, MetaFile>>();
  private readonly roots = new Map<number, string>();

  private constructor(repository: TestRepository) {
    this.repository = repository;
  }

  /** A repository with the bins `a`, `b` and `c`, each with a target `file` and signed by `bins`' key. */
  static async create(): Promise<ListedProofs> {
    const repository = await TestRepository.create();
    repository.withHashes = true;
    const signer = await key();
    const bins = ['a', 'b', 'c'];
    const everything = delegate({ name: 'bins', signer, paths: ['*/*'] });
    const one = delegate(...bins.map((bin) => ({ name: `bin-${bin}`, signer, paths: [`${bin}/*`] })));
    repository.roles.set('targets', { signers: repository.signers.targets, version: 1, delegations: everything });
    repository.roles.set('bins', { signers: [signer], version: 1, delegations: one });
    const proofs = new ListedProofs(repository);
    for (const bin of bins)
      repository.roles.set(`bin-${bin}`, {
        signers: [signer],
        version: 1,
        targets: new Map([[`${bin}/file`, emptyFile()]]),
      });
    await proofs.publish();
    return proofs;
  }

  /** Signs everything anew, and lists it. */
  async publish(): Promise<void> {
    await this.repository.publish();
    this.list(this.snapshot());
  }

  /** The next version of a bin. */
  async publishBin(bin: string, version: number): Promise<void> {
    const content = this.repository.roles.get(`bin-${bin}`);
    this.repository.roles.set(`bin-${bin}`, { ...content, signers: content?.signers ?? [], version });
    await this.publish();
  }

  /** What the snapshot published last lists. */
  snapshot(): Map<string, MetaFile> {
    const bytes = this.repository.file(`${this.repository.versions.snapshot}.snapshot.json`);
    return new Map(parseSnapshot(bytes).signed.meta);
  }

  /** What the timestamp published last stands for. */
  list(meta: ReadonlyMap<string, MetaFile>): void {
    const version = this.repository.versions.timestamp;
    const text = JSON.stringify([...meta].map(([name, file]) => [name, file.version, [...(file.hashes ?? [])]]));
    const root = createHash('sha256').update(text).digest('hex');
    this.lists.set(root, meta);
    this.roots.set(version, root);
  }

  rootOf({ version }: Timestamp): string | undefined {
    return this.named ? this.roots.get(version) : undefined;
  }

  subjectOf(path: string): string | undefined {
    const [bin = '', rest] = path.split('/');
    return rest === undefined || bin === 'unprovable' ? undefined : bin;
  }

  async request(root: string, subject: string, { signal }: ProofRequest): Promise<ProvenPart | undefined> {
    this.asked.push(subject);
    signal.throwIfAborted();
    const mode = this.modes.shift() ?? this.mode;
    if (mode === 'none') return undefined;
    if (mode === 'gone') throw new NotFoundError(`proof of ${subject}`);
    if (mode === 'down') throw new NetworkError(`proof of ${subject}`, 'the test pulled the plug');
    const meta = this.part(root, subject);
    if (meta === undefined) throw new NotFoundError(`proof of ${subject}`);
    const roles = [...meta].map(([name, { version }]) => {
      const path = name.startsWith('rotate/') ? name : `${version}.${name}`;
      return [name.replace('.json', ''), path] as const;
    });
    const bytes = roles.flatMap(([role, path]) => {
      const file = this.repository.files.get(path);
      return file === undefined ? [] : [[role, file] as const];
    });
    const proof = new TextEncoder().encode(`${root} ${subject}`);
    return this.forge({ meta, proof, roles: new Map(this.brings ? bytes : []) });
  }

  verify(root: string, subject: string, proof: Uint8Array): ReadonlyMap<string, MetaFile> | undefined {
    return new TextDecoder().decode(proof) === `${root} ${subject}` ? this.part(root, subject) : undefined;
  }

  private part(root: string, subject: string): ReadonlyMap<string, MetaFile> | undefined {
    const list = this.lists.get(root);
    const names = ['targets.json', 'bins.json', `bin-${subject}.json`];
    return list && new Map([...list].filter(([name]) => names.includes(name) || name.startsWith('rotate/')));
  }
}
