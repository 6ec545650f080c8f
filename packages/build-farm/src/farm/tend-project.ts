import type { ProjectSigning, SigningRole, VerifiedDistribution } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import { buildSdist, interrupted } from './build-sdist.ts';
import { farmRoles, roleOfFile, sdistsSince, wheelOf } from './delegated.ts';
import type { FarmWork } from './farm-work.ts';
import type { BuildRecord } from './build-record.ts';
import { reportDifference } from './difference.ts';
import { publish } from './publish.ts';

const DAY_MS = 86_400_000;
/** A role is signed anew this long before it expires. */
const RENEW_MS = 90 * DAY_MS;
/** How soon something is looked at again that others have to act on. */
const WAITING_MS = 30_000;

/**
 * Does everything that is to be done for one project: builds its new sdists and publishes their wheels.
 * @returns when it is to be looked at again although its roles do not change; `undefined` for never
 */
export async function tendProject(work: FarmWork, project: ProjectName): Promise<Date | undefined> {
  const { bench, signer, maxAgeMs } = work;
  const signing = await bench.client.signing(project);
  const roles = farmRoles(signing, signer.key.keyid);
  if (roles.length === 0) return undefined;
  const records: BuildRecord[] = [];
  for (const sdist of sdistsSince(signing, new Date(bench.now().getTime() - maxAgeMs))) {
    records.push(await recordOf(work, { signing, roles, sdist }));
  }
  for (const role of roles) await offer(work, { signing, roles, role, records });
  return nextLook(work, project, roles);
}

interface Sdist {
  readonly signing: ProjectSigning;
  readonly roles: readonly SigningRole[];
  readonly sdist: VerifiedDistribution;
}

async function recordOf(work: FarmWork, { signing, roles, sdist }: Sdist): Promise<BuildRecord> {
  const listed = wheelOf(signing, roles, sdist);
  if (listed) return settled(work, sdist, listed);
  const record = await built(work, sdist);
  // The developers, or a farm before this one, may have published a wheel of that name in another role.
  const elsewhere = signing.files.find(({ filename }) => filename === record.wheel?.filename);
  return elsewhere ? settled(work, sdist, elsewhere) : record;
}

/** The wheel is published: by this farm, by another, or as something that this farm did not build. */
async function settled(
  { state, bench, tell }: FarmWork,
  sdist: VerifiedDistribution,
  listed: VerifiedDistribution,
): Promise<BuildRecord> {
  const now = bench.now();
  const { sha256, size, filename, project } = listed;
  const record = state.build(sdist.sha256);
  const published = { standing: 'published', nextTry: undefined, updatedAt: now } as const;
  const cleared = { code: undefined, reason: undefined, detail: undefined, log: undefined };
  if (!record?.wheel) {
    const wheel = { filename, sha256, size };
    const made = { sdist: sdist.sha256, project, filename: sdist.filename, attempts: record?.attempts ?? 0, wheel };
    const adopted = { ...made, ...cleared, ...published };
    state.put(adopted);
    return adopted;
  }
  if (record.wheel.sha256 === sha256 || record.standing === 'published') {
    const done = { ...record, ...cleared, ...published };
    if (record.standing !== 'published') state.put(done);
    return done;
  }
  const report = await reportDifference({ state, bench }, record, listed);
  const reason = `the published ${filename} is not what was built here`;
  const other: BuildRecord = {
    ...record,
    ...published,
    standing: 'differs',
    code: 'NOT_REPRODUCED',
    reason,
    detail: report,
  };
  if (record.standing !== 'differs' || record.detail !== report)
    tell({ event: 'differs', project, wheel: filename, report });
  state.put(other);
  return other;
}

/** Builds unless that was done, or failed and is not to be tried now. */
async function built(work: FarmWork, sdist: VerifiedDistribution): Promise<BuildRecord> {
  const { state, bench } = work;
  const known = state.build(sdist.sha256);
  const record = known?.standing === 'building' ? interrupted(known, bench.now()) : known;
  if (record?.standing === 'failed') {
    const due = record.nextTry !== undefined && record.nextTry <= bench.now();
    if (record !== known) state.put(record);
    return due ? buildSdist(work, sdist) : record;
  }
  // What was published once and is listed no more was taken away by the developers.
  return record ?? buildSdist(work, sdist);
}

interface Offering {
  readonly signing: ProjectSigning;
  readonly roles: readonly SigningRole[];
  readonly role: SigningRole;
  readonly records: readonly BuildRecord[];
}

async function offer(work: FarmWork, { signing, roles, role, records }: Offering): Promise<void> {
  const { bench } = work;
  const wheels = records.filter(
    ({ standing, wheel }) =>
      wheel !== undefined &&
      !signing.files.some(({ filename }) => filename === wheel.filename) &&
      (standing === 'built' || standing === 'waiting' || standing === 'differs') &&
      roleOfFile(signing, roles, wheel.filename)?.role === role.role,
  );
  const renew = role.signed !== undefined && role.signed.expires.getTime() - bench.now().getTime() < RENEW_MS;
  if (wheels.length > 0 || renew) await publish(work, { project: signing.name, role: role.role, wheels, renew });
}

function nextLook({ state, bench }: FarmWork, project: ProjectName, roles: readonly SigningRole[]): Date | undefined {
  const now = bench.now().getTime();
  const times = state.builds(project).flatMap(({ standing, nextTry }) => {
    if (standing === 'failed' && nextTry) return [nextTry.getTime()];
    return standing === 'built' || standing === 'waiting' || standing === 'differs' ? [now + WAITING_MS] : [];
  });
  const renewals = roles.flatMap(({ signed }) =>
    signed ? [Math.max(now + WAITING_MS, signed.expires.getTime() - RENEW_MS)] : [],
  );
  const all = [...times, ...renewals];
  return all.length === 0 ? undefined : new Date(Math.min(...all));
}
