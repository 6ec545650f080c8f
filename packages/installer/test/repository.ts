import { hash } from 'node:crypto';
import { deflateRawSync, crc32 } from 'node:zlib';
import { asProjectName, normalizeName, parseDistributionFilename, type ProjectName } from '@holdfast/python-index';
import {
  binRoleJson,
  branchDelegations,
  type Bulletin,
  bulletinMember,
  CLAIMED,
  DIGITS,
  consistentTargetPath,
  type Distribution,
  encodeLookup,
  encodeTarget,
  forIndex,
  minimumDelegations,
  projectBin,
  type ProjectDelegation,
  readAsker,
  RECENTLY_CLAIMED,
  type RoleHolders,
  rolesFor,
  SnapshotTree,
  snapshotTreeMember,
  targetPath,
  topDelegations,
  UNCLAIMED,
} from '@holdfast/trust';
import {
  type Delegations,
  type JsonObject,
  type PublicKey,
  type Signer,
  type TargetFile,
  rootJson,
  signMetadata,
  snapshotJson,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';

const DAY = 24 * 3600 * 1000;

/** A repository in memory as an index publishes it: paths below its root, and their bytes. Signed with real keys. */
export class TestRepository {
  readonly files = new Map<string, Uint8Array>();
  readonly targets = new Map<string, TargetFile>();
  readonly #now: Date;
  #rootSigner: Signer;
  #online: Signer;
  root: Uint8Array = new Uint8Array();
  rootVersion = 0;
  version = 0;
  /** Whether `unclaimed` is spread over 16 bins, each with a version of its own. */
  bins = false;
  /** What its operators say, from the next publication on. */
  bulletin: Bulletin | undefined;
  /** Which index the next root says to be of. */
  index: string | undefined;
  /** How long bins are valid from the repository's time on. */
  binsMs = 90 * DAY;
  /** Who signs for projects, from the next publication on: with any, the model is *legacy*. */
  readonly claims = new Map<ProjectName, ProjectDelegation>();
  readonly #tree = new SnapshotTree();
  readonly #roles = new Map<string, { readonly version: number; readonly content: string }>();

  private constructor(now: Date, root: Signer, online: Signer) {
    this.#now = now;
    this.#rootSigner = root;
    this.#online = online;
  }

  static async create(now = new Date()): Promise<TestRepository> {
    const made = new TestRepository(now, await generateKey('ed25519'), await generateKey('ed25519'));
    await made.publishRoot();
    return made;
  }

  get fingerprint(): string {
    return hash('sha256', this.root, 'hex');
  }

  /** Adds a wheel whose METADATA says what is given; not visible before {@link publish}. */
  addWheel(
    name: string,
    version: string,
    options: { requires?: readonly string[]; padding?: number } = {},
  ): Distribution {
    const filename = `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
    const { wheel, metadata } = makeWheel(name, version, options);
    const distribution: Distribution = {
      project: normalizeName(name),
      filename,
      sha256: hash('sha256', wheel, 'hex'),
      size: wheel.length,
      uploadTime: new Date(this.#now.getTime() - DAY),
      coreMetadata: { sha256: hash('sha256', metadata, 'hex'), size: metadata.length },
    };
    const { path, file } = encodeTarget(distribution);
    this.targets.set(path, file);
    const address = targetAddress(distribution);
    this.files.set(address, wheel);
    this.files.set(`${address}.metadata`, metadata);
    return distribution;
  }

  remove(filename: string): void {
    const { project } = parseDistributionFilename(filename);
    this.targets.delete(targetPath(project, filename));
  }

  /** Signs the next version of every online role; of bins, those that changed. @param validMs how long the timestamp lives */
  async publish(options: { validMs?: number; version?: number } = {}): Promise<void> {
    this.version = options.version ?? this.version + 1;
    const version = this.version;
    const signer = [this.#online];
    const far = new Date(this.#now.getTime() + 90 * DAY);
    const role = { keyids: [this.#online.key.keyid], threshold: 1 };
    const keys = keyMap(this.#online.key);
    await this.#role('targets', {
      version: 1 + (this.bulletin ? 1 : 0) + (this.claims.size > 0 ? 1 : 0),
      targets: new Map(),
      ...(this.bulletin && { extra: bulletinMember(this.bulletin) }),
      delegations: { keys, roles: this.claims.size === 0 ? minimumDelegations(role) : legacyDelegations(role) },
    });
    if (this.claims.size > 0) await this.#publishClaims(keys);
    if (this.bins) await this.#publishBins(keys);
    else await this.#role('unclaimed', { version, targets: this.targets });
    const meta = new Map(
      [...this.#tree.entries()].map((entry) => [
        `${entry.role}.json`,
        { version: entry.version, length: entry.length },
      ]),
    );
    const snapshot = await signMetadata(snapshotJson({ version, expires: far, meta }), signer);
    const expires = new Date(this.#now.getTime() + (options.validMs ?? DAY));
    const described = {
      version,
      length: snapshot.length,
      hashes: new Map([['sha256', hash('sha256', snapshot, 'hex')]]),
    };
    const extra = snapshotTreeMember(this.#tree.commit());
    const timestamp = await signMetadata(timestampJson({ version, expires, snapshot: described, extra }), signer);
    this.files.set(`metadata/${version}.snapshot.json`, snapshot);
    this.files.set('metadata/timestamp.json', timestamp);
  }

  /** Answers `lookup/…` as docs/formats/lookup.md says; `undefined` when the snapshot is gone. */
  lookup(address: string): Uint8Array | undefined {
    const [path = '', query] = address.split('?', 2);
    const [, root = '', name = ''] = path.split('/');
    const project = asProjectName(name) ?? name;
    const bin = projectBin(normalizeName(project));
    const listed = this.#tree.leadingTo(root, bin);
    const proof = this.#tree.prove(root, bin);
    if (!listed || !proof) return undefined;
    const have = new Set(readAsker(query === undefined ? '' : `?${query}`)?.have);
    const wanted = rolesFor(normalizeName(project), listed).filter(({ sha256 }) => !have.has(sha256.slice(0, 8)));
    const bytes = wanted.map(({ role, version }) => this.files.get(metadataPath(role, version)) ?? new Uint8Array());
    return encodeLookup({ proof, files: bytes.map((file) => ({ bytes: file })) });
  }

  /** Lists what the holders of a project's keys signed: a role, or a rotate file by its name in the snapshot tree. */
  putSigned(role: string, version: number, bytes: Uint8Array): void {
    this.files.set(metadataPath(role, version), bytes);
    this.#tree.set({ role, version, length: bytes.length, sha256: hash('sha256', bytes, 'hex') });
  }

  /** Lists a role as something else than it is, from the next publication on. */
  list(role: string, change: { readonly version?: number; readonly length?: number }): void {
    const entry = this.#tree.get(role);
    if (entry) this.#tree.set({ ...entry, ...change });
  }

  /** Does not list the role in the next publication, unless that publishes it. */
  unlist(role: string): void {
    this.#tree.remove(role);
  }

  async #publishClaims(keys: ReadonlyMap<string, PublicKey>): Promise<void> {
    await this.#role(CLAIMED, { targets: new Map() });
    const treeKeys = { roleKeys: { keyids: [this.#online.key.keyid], threshold: 1 }, keys };
    const expires = new Date(this.#now.getTime() + 90 * DAY);
    const leaf = binRoleJson(RECENTLY_CLAIMED, { prefix: '', projects: this.claims }, this.version, expires, treeKeys);
    this.putSigned(RECENTLY_CLAIMED, this.version, await signMetadata(leaf, [this.#online]));
  }

  async #publishBins(keys: ReadonlyMap<string, PublicKey>): Promise<void> {
    const delegations = {
      keys,
      roles: branchDelegations('unclaimed', { prefix: '', digits: DIGITS }, [this.#online.key.keyid], 1),
    };
    await this.#role('unclaimed', { targets: new Map(), delegations });
    for (const digit of DIGITS) {
      const targets = new Map([...this.targets].filter(([path]) => path.startsWith(digit)));
      await this.#role(`unclaimed.${digit}`, { targets, expires: new Date(this.#now.getTime() + this.binsMs) });
    }
  }

  /** Signs a role and lists it; without a given version the next one, if anything changed. */
  async #role(
    role: string,
    input: {
      readonly version?: number;
      readonly targets: ReadonlyMap<string, TargetFile>;
      readonly delegations?: Delegations;
      readonly expires?: Date;
      readonly extra?: JsonObject;
    },
  ): Promise<void> {
    const { targets, delegations, extra = new Map(), expires = new Date(this.#now.getTime() + 90 * DAY) } = input;
    const content = JSON.stringify([[...targets.keys()], this.#online.key.keyid, expires]);
    const known = this.#roles.get(role);
    if (input.version === undefined && known?.content === content) return;
    const version = input.version ?? (known?.version ?? 0) + 1;
    this.#roles.set(role, { version, content });
    const bytes = await signMetadata(targetsJson({ version, expires, targets, delegations, extra }), [this.#online]);
    this.files.set(`metadata/${version}.${role}.json`, bytes);
    this.#tree.set({ role, version, length: bytes.length, sha256: hash('sha256', bytes, 'hex') });
  }

  /** Publishes the next root. @param rotate give root or the online roles a new key; the old root key signs too */
  async publishRoot(rotate?: 'root' | 'online'): Promise<void> {
    const previous = this.#rootSigner;
    if (rotate === 'root') this.#rootSigner = await generateKey('ed25519');
    if (rotate === 'online') this.#online = await generateKey('ed25519');
    this.rootVersion++;
    const own = { keyids: [this.#rootSigner.key.keyid], threshold: 1 };
    const online = { keyids: [this.#online.key.keyid], threshold: 1 };
    const signed = rootJson({
      version: this.rootVersion,
      expires: new Date(this.#now.getTime() + 365 * DAY),
      consistentSnapshot: true,
      keys: [this.#rootSigner.key, this.#online.key],
      roles: { root: own, timestamp: online, snapshot: online, targets: online },
    });
    const signers = previous === this.#rootSigner ? [previous] : [previous, this.#rootSigner];
    this.root = await signMetadata(this.index === undefined ? signed : forIndex(signed, this.index), signers);
    this.files.set(`metadata/${this.rootVersion}.root.json`, this.root);
    this.files.set('metadata/root.json', this.root);
  }
}

const metadataPath = (role: string, version: number): string =>
  `metadata/${role.startsWith('rotate/') ? '' : `${version}.`}${role}.json`;

const legacyDelegations = (online: RoleHolders) =>
  topDelegations('legacy', { [CLAIMED]: online, [RECENTLY_CLAIMED]: online, [UNCLAIMED]: online });

const keyMap = (key: PublicKey): ReadonlyMap<string, PublicKey> => new Map([[key.keyid, key]]);

/** Where a file lies below the repository's root. */
export function targetAddress({ project, filename, sha256 }: Distribution): string {
  return `targets/${consistentTargetPath(targetPath(project, filename), sha256)}`;
}

/** A wheel that pip and uv install: one module, METADATA, WHEEL, RECORD. */
export function makeWheel(
  name: string,
  version: string,
  { requires = [], padding = 0 }: { requires?: readonly string[]; padding?: number } = {},
): { wheel: Buffer; metadata: Buffer } {
  const module = name.replaceAll(/[-.]/g, '_');
  const info = `${module}-${version}.dist-info`;
  const lines = [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((each) => `Requires-Dist: ${each}`),
  ];
  const metadata = Buffer.from(`${lines.join('\n')}\n`);
  const entries: [string, Buffer][] = [
    [`${module}.py`, Buffer.from(`version = ${JSON.stringify(version)}\n`)],
    ...(padding > 0 ? ([[`${module}_data.bin`, noise(padding)]] satisfies [string, Buffer][]) : []),
    [`${info}/METADATA`, metadata],
    [`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
  ];
  const record = entries.map(([path, bytes]) => `${path},sha256=${hash('sha256', bytes, 'base64url')},${bytes.length}`);
  entries.push([`${info}/RECORD`, Buffer.from(`${record.join('\n')}\n${info}/RECORD,,\n`)]);
  return { wheel: zip(entries), metadata };
}

/** Bytes that do not compress, the same in every run. */
function noise(length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at * 32 < length; at++) blocks.push(hash('sha256', String(at), 'buffer'));
  return Buffer.concat(blocks).subarray(0, length);
}

/** A zip file, deflated, in the given order. */
function zip(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [path, bytes] of entries) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(8, 4); // deflate
    common.writeUInt16LE(0x21, 8); // 1980-01-01
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(0o100644 * 0x10000, 6); // external attributes
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
