import { hash } from 'node:crypto';
import { explain, type VerifiedDistribution } from '@holdfast/installer';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { decodeLookup, fileUrlPath, lookupPath, snapshotTreeRoot, verifyLookup } from '@holdfast/trust';
import { fail, type Found, ok, warn } from './finding.ts';
import type { Patient } from './patient.ts';

const NOT_INSTALLABLE = 'Installers refuse this too. Restore the index, or look at what stands in front of it.';
/** A name that no project has: its absence must be proven like anything else. */
const NOBODY = normalizeName('holdfast-doctor-asks-for-nobody');

/** Answers and proofs of lookup, against the root hash of the timestamp; and the flat snapshot against them. */
export async function lookup(patient: Patient): Promise<readonly Found[]> {
  const root = snapshotTreeRoot(await patient.timestamp());
  if (root === undefined) return [warn('the timestamp names no tree: there is no lookup', 'Clients use plain files.')];
  const found: Found[] = [];
  const listed = new Map<string, number>();
  for (const project of [...(await patient.samples()), NOBODY]) {
    const { status, body } = await patient.site.get(lookupPath(root, project));
    if (status === 404 || status === 403)
      return [warn('no lookup here: installers fetch more, and more often', 'Pass /lookup/ on to the index.')];
    try {
      if (status !== 200) throw new Error(`it answers ${status}`);
      for (const { role, version } of verifyLookup(root, project, decodeLookup(body))) listed.set(role, version);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      found.push(fail(`the lookup of ${project} does not hold: ${why}`, NOT_INSTALLABLE));
    }
  }
  if (found.length > 0) return found;
  return [
    ok(`lookups of ${(await patient.samples()).length} projects, and of one that is not there, are proven`),
    await flat(patient, listed),
  ];
}

/** The flat snapshot may be made less often, so it may be behind; ahead of the tree it would be another state. */
async function flat(patient: Patient, listed: ReadonlyMap<string, number>): Promise<Found> {
  const snapshot = await patient.snapshot();
  if (!snapshot) return ok('the flat snapshot is too long to be compared here');
  for (const [role, version] of listed) {
    const plain = snapshot.meta.get(`${role}.json`)?.version ?? 0;
    if (plain > version)
      return fail(
        `the flat snapshot lists ${role} ${plain}, the tree ${version}`,
        'Start the index again; it signs both anew.',
      );
  }
  return ok(`the flat snapshot agrees with the tree on ${listed.size} roles`);
}

interface PageFile {
  readonly filename: string;
  readonly hashes: Record<string, string>;
  readonly yanked?: boolean | string;
}

/** Both forms of the Simple API, against signed metadata: what pip and uv see without Holdfast. */
export async function simple(patient: Patient): Promise<readonly Found[]> {
  return Promise.all((await patient.samples()).map((project) => compare(patient, project)));
}

async function compare(patient: Patient, project: ProjectName): Promise<Found> {
  const page = JSON.parse(
    (await patient.read(`simple/${project}/`, { Accept: 'application/vnd.pypi.simple.v1+json' })).toString(),
  ) as { files: readonly PageFile[] };
  const html = (await patient.read(`simple/${project}/`, { Accept: 'text/html' })).toString();
  const files = (await patient.verified(project))?.files ?? [];
  const signed = files.map(({ filename, sha256, yanked }) => `${filename} ${sha256} ${yanked !== undefined}`).sort();
  const json = page.files
    .map(
      ({ filename, hashes, yanked }) => `${filename} ${hashes['sha256']} ${yanked !== undefined && yanked !== false}`,
    )
    .sort();
  const anchors = Array.from(html.matchAll(/<a href="[^"#]*#sha256=([0-9a-f]{64})"([^>]*)>([^<]*)<\/a>/g));
  const text = anchors.map(([, sha256, rest = '', name]) => `${name} ${sha256} ${rest.includes('data-yanked')}`).sort();
  const remedy = 'Pages are made of published files only: start the index again, or empty the cache in front.';
  for (const [form, shown] of [
    ['JSON', json],
    ['HTML', text],
  ] as const) {
    const odd = [...shown, ...signed].find((each) => shown.includes(each) !== signed.includes(each));
    if (odd !== undefined)
      return fail(`the ${form} page of ${project} and signed metadata differ on ${odd.split(' ')[0]}`, remedy);
  }
  return ok(`the pages of ${project} show the ${files.length} files that are signed`);
}

/** The bytes of a file, of those that were sampled by chance. */
export async function file(patient: Patient): Promise<Found> {
  const chosen = await anyFile(patient, () => true);
  if (!chosen) return ok('there is no file yet');
  try {
    const opened = await patient.client.openFile(chosen);
    await opened.handle.close();
    return ok(`${chosen.filename}: ${chosen.size} bytes are what was signed`);
  } catch (error) {
    return fail(explain(error).sentence, NOT_INSTALLABLE);
  }
}

/** PEP 658: pip and uv resolve with it, without the wheel. */
export async function coreMetadata(patient: Patient): Promise<Found> {
  const chosen = await anyFile(patient, ({ coreMetadata: core }) => core !== undefined);
  if (!chosen?.coreMetadata) return ok('there is no wheel yet');
  const { status, body } = await patient.site.get(`${fileUrlPath(chosen.path, chosen.sha256)}.metadata`);
  if (status !== 200) return fail(`${chosen.filename}.metadata answers ${status}`, NOT_INSTALLABLE);
  return hash('sha256', body) === chosen.coreMetadata.sha256
    ? ok(`${chosen.filename}.metadata is what was signed`)
    : fail(`${chosen.filename}.metadata is not what was signed`, NOT_INSTALLABLE);
}

async function anyFile(
  patient: Patient,
  fits: (file: VerifiedDistribution) => boolean,
): Promise<VerifiedDistribution | undefined> {
  const projects = await Promise.all(
    (await patient.samples()).map((name) => patient.verified(name).catch(() => undefined)),
  );
  const files = projects.flatMap((project) => project?.files ?? []).filter(fits);
  return files[Math.floor(patient.random() * files.length)];
}
