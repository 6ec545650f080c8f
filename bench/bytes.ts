import { type InstallBytes, installBytes } from './bytes/install.ts';
import { Pep458 } from './bytes/pep458.ts';
import { Repository } from './bytes/repository.ts';
import { filesArgument } from './lib/arguments.ts';
import { type Line, report } from './lib/report.ts';
import { saveResult } from './lib/results.ts';
import { Population } from './population/population.ts';

/**
 * Bytes on the wire, beside the distribution itself, for one verified installation of one project: `bytes.ts [--files N] [--record]`. Bodies
 * as they are served, compressed as the index likes best; beside them the JSON project page that an unverified installation fetches, and PEP 458's
 * layout.
 */
const files = filesArgument();
/** The goals speak of this many; smaller populations show how it grows. */
const full = files >= 20_000_000;
const POPULAR = 300;
const CLOSURE = 30;

const population = new Population(files);
const groups = [
  { name: '28 files', projects: population.withFiles(28, 32) },
  { name: '500 files', projects: population.withFiles(500, 32) },
  {
    name: 'by popularity',
    projects: Array.from({ length: POPULAR }, (_, at) => population.requested((at + 0.5) / POPULAR)),
  },
];
/** What the returning user installed the day before. */
const visited = Array.from({ length: CLOSURE }, (_, at) => population.requested((at + 0.31) / CLOSURE));
const pep458 = new Pep458(population);
const began = performance.now();
const repository = await Repository.build(
  population,
  [...groups.flatMap(({ projects }) => projects), ...visited],
  (file) => pep458.add(file),
);
const seconds = (performance.now() - began) / 1000;
const peer = await pep458.sizes(repository.seenFiles);
const held = new Set(visited.flatMap((project) => repository.pathTo(project).map(({ sha256 }) => sha256)));

const means: Record<string, Means> = {};
const lines: Line[] = [];
for (const { name, projects } of groups) {
  const all: InstallBytes[] = [];
  for (const project of projects) all.push(await installBytes(repository, project, held));
  const mean = meansOf(all);
  means[name] = mean;
  lines.push(...linesOf(name, mean));
}
report(
  'Metadata and index bytes of one verified installation',
  `${files} files in ${population.projects} projects, ${repository.estimatedRoles} roles; made in ${seconds.toFixed(0)} s`,
  [
    ...lines,
    {
      what: "PEP 458: snapshot, delegating role, a bin's mean",
      value: [peer.snapshot, peer.bins, peer.bin].map(kB).join(' + '),
    },
  ],
);
await saveResult('bytes', files, {
  projects: population.projects,
  roles: repository.estimatedRoles,
  pep458: peer,
  means,
});

interface Means extends Omit<InstallBytes, 'page'> {
  readonly pageGzip: number;
  readonly pageZstd: number;
  readonly pep458Returning: number;
  readonly pep458New: number;
}

function meansOf(all: readonly InstallBytes[]): Means {
  const mean = (of: (bytes: InstallBytes) => number): number =>
    all.reduce((sum, bytes) => sum + of(bytes), 0) / all.length;
  const pageZstd = mean(({ page }) => page.zstd);
  // The page is a target in one bin, the distribution in another.
  const pep458Returning = peer.timestamp + peer.snapshot + 2 * peer.bin + pageZstd;
  return {
    newUser: mean(({ newUser }) => newUser),
    otherProject: mean(({ otherProject }) => otherProject),
    sameProject: mean(({ sameProject }) => sameProject),
    sameProjectWhole: mean(({ sameProjectWhole }) => sameProjectWhole),
    longAgo: mean(({ longAgo }) => longAgo),
    proof: mean(({ proof }) => proof),
    pageGzip: mean(({ page }) => page.gzip),
    pageZstd,
    pypiPage: mean(({ pypiPage }) => pypiPage),
    pep458Returning,
    pep458New: pep458Returning + peer.bins,
  };
}

function linesOf(group: string, mean: Means): Line[] {
  const bytes = (what: string, value: number, most?: number): Line => ({
    what: `${group}: ${what}`,
    value: kB(value),
    ...(most !== undefined && { goal: `≤ ${kB(most)}`, ...(full && { met: value <= most }) }),
  });
  const ratio = (what: string, ours: number, other: number, most?: number): Line => ({
    what: `${group}: ${what}`,
    value: (ours / other).toFixed(3),
    ...(most !== undefined && { goal: `≤ ${most}`, ...(full && { met: ours / other <= most }) }),
  });
  const small = group === '28 files';
  const toPage = group === '500 files' ? 0.6 : undefined;
  return [
    bytes('returning, a project never seen', mean.otherProject, small ? 8_000 : undefined),
    bytes('returning, this project grew by a file', mean.sameProject, small ? 8_000 : undefined),
    bytes('the same without deltas', mean.sameProjectWhole),
    bytes('returning, every role signed anew', mean.longAgo, small ? 8_000 : undefined),
    bytes('new user', mean.newUser, small ? 25_000 : undefined),
    bytes('of these the proof', mean.proof),
    bytes('plain page, gzip (pip)', mean.pageGzip),
    bytes('plain page, zstd (uv)', mean.pageZstd),
    bytes('plain page as PyPI writes it, gzip', mean.pypiPage),
    ratio('never seen ÷ page (gzip)', mean.otherProject, mean.pageGzip, toPage),
    ratio('grew ÷ page (gzip)', mean.sameProject, mean.pageGzip, toPage),
    ratio('new user ÷ page (gzip)', mean.newUser, mean.pageGzip, toPage),
    ratio("never seen ÷ PyPI's page", mean.otherProject, mean.pypiPage),
    bytes('PEP 458, returning', mean.pep458Returning),
    bytes('PEP 458, new user', mean.pep458New),
    ratio('never seen ÷ PEP 458', mean.otherProject, mean.pep458Returning, 0.05),
    ratio('grew ÷ PEP 458', mean.sameProject, mean.pep458Returning, 0.05),
    ratio('new user ÷ PEP 458', mean.newUser, mean.pep458New, 0.05),
  ];
}

function kB(bytes: number): string {
  return `${(bytes / 1000).toFixed(2)} kB`;
}
