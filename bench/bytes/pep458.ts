import { hash } from 'node:crypto';
import {
  type DelegatedRole,
  signMetadata,
  snapshotJson,
  type TargetFile,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { normalQuantile, randomFrom } from '../population/random.ts';
import type { PopulationFile } from '../population/files.ts';
import type { Population } from '../population/population.ts';
import { served } from './wire.ts';

const BINS = 16_384;
/** Bins whose content is collected. */
const SAMPLED = 64;

/** Bytes on the wire of the roles of PEP 458's layout, compressed like ours. */
export interface Pep458Sizes {
  readonly timestamp: number;
  readonly snapshot: number;
  /** The role that delegates to the bins by prefixes of path hashes. */
  readonly bins: number;
  /** The same, said in the few bytes of TAP 15. */
  readonly succinct: number;
  readonly bin: number;
}

/**
 * PEP 458 beside ours, on the same files with the same encoders: 16 384 hashed bins, one flat snapshot, one delegating role. Files and
 * project pages are targets with length and one hash. A bin is a random sample of all files: the first bits of the file's own hash
 * choose it, not those of its path's, which is the same sample and saves hashing the paths. Where only a part of all files is seen, some
 * bins together are one.
 */
export class Pep458 {
  readonly #sampled = Array.from({ length: SAMPLED }, () => new Map<string, TargetFile>());
  #project = '';
  readonly #files: number;
  readonly #projects: number;

  constructor({ files, projects }: Population) {
    this.#files = files;
    this.#projects = projects;
  }

  add(file: PopulationFile): void {
    this.#place(`${file.project}/${file.filename}`, file.sha256, file.size);
    if (file.project === this.#project) return;
    this.#project = file.project;
    this.#place(`simple/${file.project}/index.html`, hash('sha256', file.project), 5_000);
  }

  #place(path: string, sha256: string, length: number): void {
    const bin = Number.parseInt(sha256.slice(0, 4), 16) % BINS;
    this.#sampled[bin]?.set(path, { length, hashes: new Map([['sha256', sha256]]) });
  }

  /** @param seen how many files were added */
  async sizes(seen: number): Promise<Pep458Sizes> {
    const signer = await generateKey('ed25519');
    const { key } = signer;
    const common = { version: 20_123_456, expires: new Date('2027-01-01') };
    const size = async (json: Parameters<typeof signMetadata>[0]): Promise<number> =>
      served(await signMetadata(json, [signer]));
    const names = Array.from({ length: BINS }, (_, at) => `bin-${at.toString(16).padStart(4, '0')}`);
    const keys = new Map([[key.keyid, key]]);
    const holders = { keyids: [key.keyid], threshold: 1 };
    const roles = names.map(
      (name, at): DelegatedRole => ({
        name,
        ...holders,
        terminating: true,
        pathHashPrefixes: [0, 1, 2, 3].map((last) => (at * 4 + last).toString(16).padStart(4, '0')),
      }),
    );
    // Each bin was published as often as something in it was: about so often, give or take the root of that (Poisson).
    const mean = (this.#files + this.#projects) / BINS;
    const random = randomFrom(BINS);
    const version = (): number =>
      1 + Math.max(0, Math.round(mean + Math.sqrt(mean) * normalQuantile(0.001 + 0.998 * random())));
    const meta = new Map([...names, 'bins', 'targets'].map((name) => [`${name}.json`, { version: version() }]));
    const whole = mergeBins(this.#sampled, Math.round(this.#files / seen)).slice(0, 4);
    const bins = await Promise.all(whole.map((targets) => size(targetsJson({ ...common, version: 2_441, targets }))));
    const none = { ...common, targets: new Map<string, TargetFile>() };
    return {
      timestamp: await size(timestampJson({ ...common, snapshot: { version: 20_123_456 } })),
      snapshot: await size(snapshotJson({ ...common, meta })),
      bins: await size(targetsJson({ ...none, delegations: { keys, roles } })),
      succinct: await size(
        targetsJson({
          ...none,
          delegations: { keys, roles: [], succinct: { ...holders, bitLength: 14, namePrefix: 'bin' } },
        }),
      ),
      bin: bins.reduce((sum, bytes) => sum + bytes, 0) / bins.length,
    };
  }
}

/** Each `count` of them as one. */
function mergeBins(
  bins: readonly ReadonlyMap<string, TargetFile>[],
  count: number,
): readonly ReadonlyMap<string, TargetFile>[] {
  return Array.from(
    { length: Math.floor(bins.length / count) },
    (_, at) => new Map(bins.slice(at * count, (at + 1) * count).flatMap((bin) => [...bin])),
  );
}
