import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Delegations,
  type MetaFile,
  rootJson,
  type Signer,
  signMetadata,
  snapshotJson,
  type TargetFile,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';

const COMMON = { version: 1, expires: new Date(Date.now() + 7 * 86_400_000) };

/** Metadata as a package index signs it: compact, ed25519, one signature. */
export class BenchData {
  readonly directory: string;
  private readonly signer: Signer;

  private constructor(directory: string, signer: Signer) {
    this.directory = directory;
    this.signer = signer;
  }

  static async create(directory: string): Promise<BenchData> {
    const data = new BenchData(directory, await generateKey('ed25519'));
    const role = { keyids: [data.signer.key.keyid], threshold: 1 };
    const roles = { root: role, timestamp: role, snapshot: role, targets: role };
    const { key } = data.signer;
    await data.write('1.root.json', rootJson({ ...COMMON, consistentSnapshot: true, keys: [key], roles }));
    return data;
  }

  get rootFile(): string {
    return join(this.directory, '1.root.json');
  }

  /** A targets.json with that many wheels. */
  async targets(count: number): Promise<{ readonly path: string; readonly bytes: number }> {
    return this.write(`targets-${count}.json`, targetsJson({ ...COMMON, targets: wheels(count) }));
  }

  /** What a client fetches of a repository with 2^bits succinct bins, for one target of 300 in its bin. */
  async binned(bits: number): Promise<{ readonly target: string; readonly snapshotBytes: number }> {
    const [target = ''] = wheels(1).keys();
    const { key } = this.signer;
    const delegations: Delegations = {
      keys: new Map([[key.keyid, key]]),
      roles: [],
      succinct: { keyids: [key.keyid], threshold: 1, bitLength: bits, namePrefix: 'bin' },
    };
    const meta = new Map<string, MetaFile>([['targets.json', { version: 1 }]]);
    for (let bin = 0; bin < 2 ** bits; bin++) meta.set(`${binName(bin, bits)}.json`, { version: 1 });
    const own = Number.parseInt(sha256(target).slice(0, 8), 16) >>> (32 - bits);
    await this.write(`1.${binName(own, bits)}.json`, targetsJson({ ...COMMON, targets: wheels(300) }));
    await this.write('1.targets.json', targetsJson({ ...COMMON, targets: new Map(), delegations }));
    const snapshot = await this.write('1.snapshot.json', snapshotJson({ ...COMMON, meta }));
    await this.write('timestamp.json', timestampJson({ ...COMMON, snapshot: { version: 1, length: snapshot.bytes } }));
    return { target, snapshotBytes: snapshot.bytes };
  }

  private async write(
    name: string,
    signed: Parameters<typeof signMetadata>[0],
  ): Promise<{ path: string; bytes: number }> {
    const path = join(this.directory, name);
    const bytes = await signMetadata(signed, [this.signer]);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    return { path, bytes: bytes.length };
  }
}

function wheels(count: number): ReadonlyMap<string, TargetFile> {
  const files = new Map<string, TargetFile>();
  for (let index = 0; index < count; index++) {
    const hash = sha256(`wheel ${index}`);
    const path = `packages/${hash.slice(0, 2)}/${hash.slice(2, 4)}/project_${index}-1.0.0-py3-none-any.whl`;
    files.set(path, { length: 10_000 + index, hashes: new Map([['sha256', hash]]) });
  }
  return files;
}

function binName(bin: number, bits: number): string {
  return `bin-${bin.toString(16).padStart(Math.ceil(bits / 4), '0')}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
