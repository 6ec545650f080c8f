import { hash } from 'node:crypto';
import { explain } from '@holdfast/installer';
import { CLAIMED, RARELY_UPDATED } from '@holdfast/trust';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from '@holdfast/tuf';
import { fail, type Found, ok, warn } from './finding.ts';
import type { Patient } from './patient.ts';

const DAY_MS = 86_400_000;
/** Milliseconds before the end of each role's life in which somebody should have renewed it. */
const HEADROOM = new Map([
  ['timestamp', 3_600_000],
  ['snapshot', DAY_MS],
  ['bins', 7 * DAY_MS],
  ['targets', 42 * DAY_MS],
  ['root', 42 * DAY_MS],
  [CLAIMED, 30 * DAY_MS],
  [RARELY_UPDATED, 30 * DAY_MS],
]);
const HELD_OFFLINE: ReadonlySet<string> = new Set(['root', 'targets', CLAIMED, RARELY_UPDATED]);
const BY_HOLDERS = 'The holders of the offline keys must sign it anew; see the guide for operators.';
const BY_SERVER = 'The server renews it by itself: its log says why it did not.';

export async function trust({ trusted, root }: Patient): Promise<Found> {
  const fingerprint = hash('sha256', root);
  if (trusted) return ok(`begins with the trusted root ${fingerprint}`);
  return warn(
    `FIRST USE: the root that the index shows is believed, ${fingerprint}`,
    'Compare it with the fingerprint that the operators publish, or name an index that you trust: holdfast doctor --index NAME.',
  );
}

/** TUF 1.0.34 §5.3–5.6, as every installer does it. */
export async function chain({ client }: Patient): Promise<Found> {
  try {
    const { rootVersion, timestampVersion } = await client.refresh();
    return ok(`root ${rootVersion} to timestamp ${timestampVersion}: every signature, version and hash is right`);
  } catch (error) {
    const { sentence, remedy } = explain(error);
    return fail(sentence, remedy ?? 'Installers refuse this too. Look into the log of the index.');
  }
}

export async function expiry(patient: Patient): Promise<readonly Found[]> {
  const ends = new Map<string, Date>();
  ends.set('root', parseRoot(await patient.read('metadata/root.json')).signed.expires);
  ends.set('timestamp', (await patient.timestamp()).expires);
  const snapshot = await patient.snapshot();
  if (snapshot) {
    ends.set('snapshot', snapshot.expires);
    const version = snapshot.meta.get('targets.json')?.version;
    const { signed } = parseTargets(await patient.read(`metadata/${version}.targets.json`));
    ends.set('targets', signed.expires);
    for (const { name } of signed.delegations?.roles ?? []) {
      const listed = HELD_OFFLINE.has(name) ? snapshot.meta.get(`${name}.json`) : undefined;
      if (!listed) continue;
      ends.set(name, parseTargets(await patient.read(`metadata/${listed.version}.${name}.json`)).signed.expires);
    }
  }
  for (const project of await patient.samples()) {
    for (const { voucher } of (await patient.verified(project).catch(() => undefined))?.files ?? []) {
      const before = ends.get('bins');
      if (!before || voucher.expires < before) ends.set('bins', voucher.expires);
    }
  }
  return Array.from(ends, ([role, end]) => judgeExpiry(role, end, patient.now()));
}

function judgeExpiry(role: string, end: Date, now: Date): Found {
  const left = end.getTime() - now.getTime();
  const remedy = HELD_OFFLINE.has(role) ? BY_HOLDERS : BY_SERVER;
  const name = role === 'bins' ? 'the first of the bins looked into' : role;
  if (left <= 0) return fail(`${name} expired at ${end.toISOString()}`, remedy);
  const detail = `${name} is good until ${end.toISOString()}`;
  return left < (HEADROOM.get(role) ?? 0) ? warn(`${detail}, which is soon`, remedy) : ok(detail);
}

/** Every name that leads onwards must be there, under its version (TUF 1.0.34 §6.2). */
export async function consistentSnapshot(patient: Patient): Promise<Found> {
  const restore =
    'Copy the missing files from the index, or let it repair itself: holdfast serve does so when it starts.';
  const { version, hashes, length } = (await patient.timestamp()).snapshotMeta;
  const bytes = await patient.read(`metadata/${version}.snapshot.json`);
  if (
    (length ?? bytes.length) !== bytes.length ||
    (hashes?.get('sha256') ?? hash('sha256', bytes)) !== hash('sha256', bytes)
  ) {
    return fail(`${version}.snapshot.json is not the one that the timestamp names`, restore);
  }
  const { meta } = parseSnapshot(bytes).signed;
  const step = Math.max(1, Math.floor(meta.size / 10));
  const names = [...meta].filter(([name], at) => name === 'targets.json' || at % step === 0);
  for (const [name, listed] of names) {
    const { status, body } = await patient.site.get(`metadata/${listed.version}.${name}`);
    if (status !== 200) return fail(`${listed.version}.${name} answers ${status}, and the snapshot lists it`, restore);
    const signed = parseTargets(body).signed;
    if (signed.version !== listed.version)
      return fail(`${listed.version}.${name} holds version ${signed.version}`, restore);
  }
  return ok(`the snapshot and ${names.length} of the ${meta.size} roles that it lists are there under their versions`);
}

export async function clock({ site, now }: Patient): Promise<Found> {
  const { headers } = await site.get('metadata/timestamp.json');
  const date = Date.parse(headers.date ?? '');
  if (Number.isNaN(date))
    return warn('no Date field tells the time of the server', 'Let the web server send one (RFC 9110 §6.6.1).');
  const seconds = Math.round((date - now().getTime()) / 1000);
  const detail = `the server's clock differs from this one by ${seconds} s`;
  const remedy = 'Set both by NTP: expiry is judged by clocks.';
  if (Math.abs(seconds) > 300) return fail(detail, remedy);
  return Math.abs(seconds) > 30 ? warn(detail, remedy) : ok(detail);
}

/** Whether all addresses show the same state; a mirror may be behind for a moment, never different. */
export async function mirrors(patient: Patient): Promise<readonly Found[]> {
  const bytes = await patient.read('metadata/timestamp.json');
  const { version } = parseTimestamp(bytes).signed;
  return Promise.all(
    patient.mirrors.map(async (mirror) => {
      const remedy = 'Let the mirror follow the index more often, and never cache timestamp.json.';
      const reply = await mirror.get('metadata/timestamp.json').catch(() => undefined);
      if (reply?.status !== 200) return fail(`${mirror.url} does not answer with a timestamp`, remedy);
      const theirs = parseTimestamp(reply.body).signed.version;
      if (theirs === version && !bytes.equals(reply.body))
        return fail(
          `${mirror.url} has another timestamp ${version}`,
          'One of the two is forged or damaged: stop using the mirror.',
        );
      if (theirs < version) return warn(`${mirror.url} has timestamp ${theirs}, and ${version} is out`, remedy);
      return ok(`${mirror.url} has timestamp ${theirs}`);
    }),
  );
}
