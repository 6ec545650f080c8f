import { explain } from '../explain.ts';
import { feed } from './feed-checks.ts';
import { type Finding, type Found } from './finding.ts';
import { chain, clock, consistentSnapshot, expiry, mirrors, trust } from './metadata-checks.ts';
import { type Examined, Patient } from './patient.ts';
import { coreMetadata, file, lookup, simple } from './project-checks.ts';
import { caching, connection, encodings, ranges, tls } from './transfer-checks.ts';

type Check = (patient: Patient) => Promise<Found | readonly Found[]>;

/** In the order in which they are told. */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['connection', connection],
  ['tls', tls],
  ['clock', clock],
  ['trust', trust],
  ['chain', chain],
  ['expiry', expiry],
  ['consistent-snapshot', consistentSnapshot],
  ['caching', caching],
  ['encodings', encodings],
  ['ranges', ranges],
  ['lookup', lookup],
  ['feed', feed],
  ['simple', simple],
  ['file', file],
  ['core-metadata', coreMetadata],
  ['mirrors', mirrors],
]);

/** Looks at an index from the outside, as its users see it, and tells each finding once it is there. */
export async function examine(examined: Examined, tell: (finding: Finding) => void): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const add = (check: string, found: Found): void => {
    findings.push({ check, ...found });
    tell({ check, ...found });
  };
  let patient: Patient;
  try {
    patient = await Patient.receive(examined);
  } catch (error) {
    add('connection', await broken(error));
    return findings;
  }
  try {
    for (const [name, check] of CHECKS) {
      const found = await check(patient).catch(broken);
      for (const each of Array.isArray(found) ? (found as readonly Found[]) : [found as Found]) add(name, each);
    }
    return findings;
  } finally {
    await patient.close();
  }
}

/** A check that could not be made is no good sign either. */
async function broken(error: unknown): Promise<Found> {
  const { sentence, remedy } = await explain(error);
  const unclear = remedy === undefined || remedy.startsWith('Set HOLDFAST_DEBUG');
  return { verdict: 'fail', detail: sentence, remedy: unclear ? 'Look into the log of the index.' : remedy };
}
