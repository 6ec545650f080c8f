import { createHash } from 'node:crypto';
import { KEYS, type TestKey } from './keys.ts';
import { canonicalText, fileText, type Layout, type Raw, raw, type RawObject, rawObject } from './raw-json.ts';

export const TOP_LEVEL = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopLevel = (typeof TOP_LEVEL)[number];
export type FileKind = TopLevel | 'delegated';

export const FUTURE = '2035-01-01T00:00:00Z';
/** Not 1, so that there is a version to go back to. */
export const FIRST_VERSION = 5;
export const PAST = '2020-01-01T00:00:00Z';

/** A last change to files of a kind: before signing, to the envelope after it, to the bytes. */
export interface Distortion {
  readonly signed?: (signed: RawObject, kind: FileKind) => void;
  readonly envelope?: (envelope: RawObject, kind: FileKind) => void;
  readonly bytes?: (bytes: Buffer, kind: FileKind) => Buffer;
}

export interface RoleDraft {
  /** Without `_type`, `spec_version`, `version`, `expires`. */
  body: RawObject;
  signers: readonly TestKey[];
  version: number;
  expires: string;
}

/** What one step of a plan may have the next publication get wrong. */
export interface Faults {
  readonly wrongHash?: string;
  readonly wrongLength?: string;
  readonly wrongMetaVersion?: string;
  readonly unsigned?: string;
  readonly missing?: string;
  readonly unlisted?: string;
}

/** A repository that is changed step by step, and may be wrong in any way; `files` is what a web server would have. */
export class Draft {
  readonly files = new Map<string, Buffer>();
  readonly top: Record<TopLevel, RoleDraft>;
  readonly thresholds: Record<TopLevel, number> = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };
  readonly delegated = new Map<string, RoleDraft>();
  consistentSnapshot: boolean | undefined = true;
  metaHashes = false;
  layout: Layout = 'canonical';
  distortion: { readonly kind: FileKind; readonly by: Distortion } | undefined;
  /** Who signed the last root: they sign the next one as well. */
  private lastRootSigners: readonly TestKey[] = [];

  constructor(keys: Readonly<Record<TopLevel, readonly TestKey[]>>) {
    const role = (name: TopLevel): RoleDraft => roleDraft(new Map(), keys[name]);
    this.top = {
      root: role('root'),
      timestamp: role('timestamp'),
      snapshot: role('snapshot'),
      targets: role('targets'),
    };
    this.top.root.version = 0;
  }

  publishRoot(signers: readonly TestKey[] = [...this.lastRootSigners, ...this.top.root.signers]): void {
    const root = this.top.root;
    root.version++;
    root.body = rawObject({
      consistent_snapshot: this.consistentSnapshot,
      keys: keyTable(TOP_LEVEL.flatMap((name) => this.top[name].signers)),
      roles: new Map(
        TOP_LEVEL.map((name) => [
          name,
          { keyids: this.top[name].signers.map(({ keyid }) => keyid), threshold: this.thresholds[name] },
        ]),
      ),
    });
    const isFirst = root.version === 1;
    this.files.set(`${root.version}.root.json`, this.file(isFirst ? undefined : 'root', 'root', root, unique(signers)));
    this.lastRootSigners = root.signers;
  }

  /** Signs all files but root. */
  publish(faults: Faults = {}): void {
    const meta = new Map<string, Raw>();
    for (const [name, role] of [['targets', this.top.targets] as const, ...this.delegated]) {
      const kind = name === 'targets' ? 'targets' : 'delegated';
      const bytes = this.file(kind, 'targets', role, faults.unsigned === name ? [] : role.signers);
      if (faults.missing !== name) this.files.set(this.path(name, this.writtenVersion(bytes, role)), bytes);
      if (faults.unlisted !== name) meta.set(`${name}.json`, this.meta(name, bytes, role, faults));
    }
    const { snapshot, timestamp } = this.top;
    snapshot.body = new Map([['meta', meta]]);
    const bytes = this.file('snapshot', 'snapshot', snapshot, faults.unsigned === 'snapshot' ? [] : snapshot.signers);
    if (faults.missing !== 'snapshot')
      this.files.set(this.path('snapshot', this.writtenVersion(bytes, snapshot)), bytes);
    timestamp.body = rawObject({ meta: { 'snapshot.json': this.meta('snapshot', bytes, snapshot, faults) } });
    const signers = faults.unsigned === 'timestamp' ? [] : timestamp.signers;
    this.files.set('timestamp.json', this.file('timestamp', 'timestamp', timestamp, signers));
    if (faults.missing === 'timestamp') this.files.delete('timestamp.json');
  }

  private meta(name: string, bytes: Buffer, role: RoleDraft, faults: Faults): Raw {
    const written = this.writtenVersion(bytes, role);
    const version = faults.wrongMetaVersion === name && typeof written === 'number' ? written + 1 : written;
    if (!this.metaHashes && faults.wrongHash !== name && faults.wrongLength !== name) return raw({ version });
    const length = bytes.length + (faults.wrongLength === name ? 1 : 0);
    return raw({ version, length, hashes: { sha256: sha256(faults.wrongHash === name ? Buffer.of(0) : bytes) } });
  }

  /** What the file says, which a distortion may have changed. */
  private writtenVersion(bytes: Buffer, role: RoleDraft): Raw {
    return this.versions.get(bytes) ?? role.version;
  }

  private readonly versions = new WeakMap<Buffer, Raw>();

  private file(kind: FileKind | undefined, type: TopLevel, role: RoleDraft, signers: readonly TestKey[]): Buffer {
    const by = kind !== undefined && this.distortion?.kind === kind ? this.distortion.by : {};
    const signed: RawObject = new Map([
      ...rawObject({ _type: type, spec_version: '1.0.31', version: role.version, expires: role.expires }),
      ...structuredCopy(role.body),
    ]);
    by.signed?.(signed, kind ?? type);
    const payload = Buffer.from(canonicalText(signed));
    const signatures = signers.map(({ keyid, sign }) => ({ keyid, sig: sign(payload) }));
    const envelope = rawObject({ signatures, signed });
    by.envelope?.(envelope, kind ?? type);
    const plain = Buffer.from(fileText(envelope, this.layout));
    const bytes = by.bytes?.(plain, kind ?? type) ?? plain;
    this.versions.set(bytes, signed.get('version') ?? role.version);
    return bytes;
  }

  private path(name: string, version: Raw): string {
    return `${this.consistentSnapshot === true ? `${canonicalText(version)}.` : ''}${name}.json`;
  }
}

export function roleDraft(body: RawObject, signers: readonly TestKey[]): RoleDraft {
  return { body, signers: unique(signers), version: FIRST_VERSION, expires: FUTURE };
}

export function keyTable(keys: readonly TestKey[]): RawObject {
  return new Map(keys.map(({ keyid, json }) => [keyid, json]));
}

/** A target that no other role or path has: its length says where it was found. */
export function targetEntry(length: number): Raw {
  return raw({ length, hashes: { sha256: sha256(Buffer.from(`content ${length}`)) } });
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function keyAt(number: number): TestKey {
  const key = KEYS[number % KEYS.length];
  if (key === undefined) throw new RangeError(`no key ${number}`);
  return key;
}

/** A key signs once, also when it holds several roles. */
function unique(keys: readonly TestKey[]): readonly TestKey[] {
  return [...new Map(keys.map((key) => [key.keyid, key])).values()];
}

/** So that a distortion changes one file and not the draft. */
function structuredCopy(value: RawObject): RawObject {
  const copy = (item: Raw): Raw =>
    Array.isArray(item)
      ? item.map(copy)
      : item instanceof Map
        ? new Map([...item].map(([name, member]) => [name, copy(member)]))
        : item;
  return new Map([...value].map(([name, member]) => [name, copy(member)]));
}
