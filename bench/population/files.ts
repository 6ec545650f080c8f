import { hash } from 'node:crypto';
import type { ProjectName } from '@holdfast/python-index';
import { mixSeed, randomFrom } from './random.ts';

/** A file of the population; as one line of JSON it is what `holdfast import` reads. */
export interface PopulationFile {
  readonly project: ProjectName;
  readonly filename: string;
  readonly sha256: string;
  readonly size: number;
  readonly requires_python?: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly upload_time: string;
  /** The reason may be empty. Absent: not yanked. */
  readonly yanked?: true | string;
  readonly core_metadata?: { readonly sha256: string; readonly size: number };
}

const PURE = ['py3-none-any'];
const NATIVE = ['cp39', 'cp310', 'cp311', 'cp312', 'cp313'].flatMap((tag) =>
  [
    'macosx_10_13_x86_64',
    'macosx_11_0_arm64',
    'manylinux_2_17_x86_64.manylinux2014_x86_64',
    'manylinux_2_17_aarch64.manylinux2014_aarch64',
    'win_amd64',
  ].map((platform) => `${tag}-${tag}-${platform}`),
);
const PYTHONS = ['>=3.6', '>=3.7', '>=3.8', '>=3.9', '>=3.10', '>=3.8,<4.0'];
const FIRST_UPLOAD = Date.UTC(2016, 0, 1);
const LAST_UPLOAD = Date.UTC(2026, 9, 1);

/** The last file to be uploaded, and so what every user finds new, is the last of these. */
export function* projectFiles(
  project: ProjectName,
  number: number,
  count: number,
  seed: number,
): Generator<PopulationFile> {
  const random = randomFrom(mixSeed(seed, number));
  // One project in twelve has wheels for platforms; of the large ones, every third.
  const native = random() < (count > 100 ? 0.33 : 0.08);
  const kinds = native ? ['sdist', ...NATIVE.slice(0, 5 + Math.floor(random() * 21))] : pureKinds(random());
  const began = FIRST_UPLOAD + random() * (LAST_UPLOAD - FIRST_UPLOAD) * 0.8;
  const pace = (LAST_UPLOAD - began) / Math.ceil(count / kinds.length);
  const escaped = project.replaceAll('-', '_');
  for (let made = 0, release = 0; made < count; release++) {
    const version = versionOf(release, count / kinds.length);
    const upload = began + (release + random() * 0.9) * pace;
    const facts = releaseFacts(random, upload);
    const metadata = hash('sha256', `${seed} ${number} ${release}`);
    const metadataSize = 800 + Math.floor(random() ** 3 * 20_000);
    for (let at = 0; at < kinds.length && made < count; at++, made++) {
      const kind = kinds[at] ?? 'sdist';
      const wheel = kind !== 'sdist';
      yield {
        project,
        filename: wheel ? `${escaped}-${version}-${kind}.whl` : `${escaped}-${version}.tar.gz`,
        sha256: hash('sha256', `${seed} ${number} ${release} ${at}`),
        size: Math.floor(2_000 + 30_000 * Math.exp(3 * (random() + random() - 1)) * (native ? 30 : 1)),
        ...facts,
        upload_time: new Date(upload + at * 1_700).toISOString(),
        // The wheels of one release differ in what they are compiled for, not in what they say of themselves.
        ...(wheel && { core_metadata: { sha256: metadata, size: metadataSize } }),
      };
    }
  }
}

/** Most pure projects have a wheel and an sdist per release, some only one of both. */
function pureKinds(share: number): readonly string[] {
  if (share < 0.7) return [...PURE, 'sdist'];
  return share < 0.85 ? PURE : ['sdist'];
}

/** Grows as people count: patches, then minors; a major now and then. */
function versionOf(release: number, releases: number): string {
  const patches = releases > 100 ? 12 : 5;
  const minor = Math.floor(release / patches);
  return `${Math.floor(minor / 10)}.${minor % 10}.${release % patches}`;
}

/** What all files of a release share; one release in a hundred is yanked. */
function releaseFacts(
  random: () => number,
  upload: number,
): { readonly requires_python?: string; readonly yanked?: true | string } {
  const age = (upload - FIRST_UPLOAD) / (LAST_UPLOAD - FIRST_UPLOAD);
  const python = PYTHONS[Math.min(PYTHONS.length - 1, Math.floor(age * 5 + random()))] ?? '';
  const yanked = random();
  return {
    ...(random() < 0.85 && { requires_python: python }),
    ...(yanked < 0.01 && { yanked: yanked < 0.004 ? (true as const) : 'broken on import' }),
  };
}
