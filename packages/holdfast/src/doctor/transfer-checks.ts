import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { fileUrlPath } from '@holdfast/trust';
import { fail, type Found, ok, warn } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Reply } from './site.ts';

const IN_FRONT = 'Look at what stands in front of the index: a proxy or CDN must pass its fields on as they are.';
const CERTIFICATE_MS = 14 * 86_400_000;
/** Until a connection should have been used twice. */
const REQUESTS = 5;

export async function connection({ site }: Patient): Promise<Found> {
  // A connection is free again a moment after its answer: the next request may come too early for it, several do not.
  for (let request = 1; request <= REQUESTS; request++) {
    const { reused, httpVersion, status } = await site.get('metadata/timestamp.json');
    if (status !== 200) return fail(`metadata/timestamp.json answers ${status}`, IN_FRONT);
    if (reused) return ok(`HTTP/${httpVersion}, connections are used again`);
  }
  return warn('each request needs a connection of its own', 'Switch keep-alive on in what stands in front.');
}

export async function tls({ site, now }: Patient): Promise<Found> {
  if (!site.secure) {
    const local = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(site.url).hostname);
    if (local) return ok('plain HTTP on this machine');
    return warn('plain HTTP: uploaders would send their tokens in the clear', 'Put a web server with TLS in front.');
  }
  const { tls: used } = await site.get('metadata/timestamp.json'); // The certificate was verified, or this throws.
  if (!used) return fail('no TLS on an https address', IN_FRONT);
  const detail = `${used.protocol}, certificate good until ${used.validTo.toISOString()}`;
  if (used.validTo.getTime() - now().getTime() < CERTIFICATE_MS) return warn(detail, 'Renew the certificate.');
  return ok(detail);
}

/** Caches keep what they are allowed to: a wrong field serves old metadata, or asks for what never changes. */
export async function caching(patient: Patient): Promise<readonly Found[]> {
  const { version } = (await patient.timestamp()).snapshotMeta;
  const file = await sampleFile(patient);
  const changing = ['metadata/timestamp.json', 'simple/'];
  const fixed = [`metadata/${version}.snapshot.json`, ...(file ? [file] : [])];
  const found: Found[] = [];
  for (const path of changing) {
    const control = (await patient.site.get(path)).headers['cache-control'] ?? '';
    const fresh = /\b(no-cache|no-store|max-age=0)\b/.test(control);
    found.push(
      fresh
        ? ok(`${path} is asked for each time`)
        : fail(`${path} may be kept by caches (Cache-Control: ${control || 'none'})`, IN_FRONT),
    );
  }
  for (const path of fixed) {
    const control = (await patient.site.get(path)).headers['cache-control'] ?? '';
    const name = path.split('/').at(-1);
    found.push(
      /\bimmutable\b/.test(control)
        ? ok(`${name} may be kept for ever`)
        : warn(`${name} never changes, and caches are not told so (Cache-Control: ${control || 'none'})`, IN_FRONT),
    );
  }
  return found;
}

/** Of what has several forms, the one that is compared. */
const JSON_PAGE = { Accept: 'application/vnd.pypi.simple.v1+json' };

const DECODERS = new Map<string, (body: Buffer) => Buffer>([
  ['gzip', (body) => gunzipSync(body)],
  ['br', (body) => brotliDecompressSync(body)],
  ['zstd', (body) => zstdDecompressSync(body)],
]);

export async function encodings(patient: Patient): Promise<readonly Found[]> {
  const { version } = (await patient.timestamp()).snapshotMeta;
  const pages = (await patient.samples()).map((project) => `simple/${project}/`);
  const texts: { path: string; plain: Buffer }[] = [];
  for (const path of [`metadata/${version}.snapshot.json`, ...pages])
    texts.push({ path, plain: await patient.read(path, JSON_PAGE) });
  // Short texts go out as they are: look at the longest.
  const [longest] = texts.sort((one, other) => other.plain.length - one.plain.length);
  if (!longest) return [];
  const { path, plain } = longest;
  return Promise.all(
    Array.from(DECODERS, async ([encoding, decode]) => {
      const reply = await patient.site.get(path, { ...JSON_PAGE, 'Accept-Encoding': encoding });
      const used = reply.headers['content-encoding'] ?? 'identity';
      if (used === 'identity' && plain.length < 1500) return ok(`${encoding} is not worth it for what is this short`);
      if (used !== encoding) return warn(`${encoding} is not used; ${used} came`, IN_FRONT);
      if (!decoded(reply, decode)?.equals(plain))
        return fail(`${path} in ${encoding} is not what it is without`, IN_FRONT);
      if (!/accept-encoding/i.test(reply.headers.vary ?? ''))
        return fail(`${path} comes in several encodings, and Vary does not say so`, IN_FRONT);
      return ok(`${encoding}: ${plain.length} bytes as ${reply.body.length}`);
    }),
  );
}

function decoded(reply: Reply, decode: (body: Buffer) => Buffer): Buffer | undefined {
  try {
    return decode(reply.body);
  } catch {
    return undefined;
  }
}

/** Installers read the end of a wheel only, for its metadata. */
export async function ranges(patient: Patient): Promise<Found> {
  const path = await sampleFile(patient);
  if (path === undefined) return ok('there is no file yet');
  const whole = await patient.read(path);
  const reply = await patient.site.get(path, { Range: 'bytes=2-11' });
  if (reply.status === 200) return warn('ranges of files are not served, only whole ones', IN_FRONT);
  const right =
    reply.status === 206 &&
    reply.headers['content-range'] === `bytes 2-11/${whole.length}` &&
    reply.body.equals(whole.subarray(2, 12));
  return right
    ? ok('a part of a file is that part')
    : fail(`a part of a file is wrong (status ${reply.status})`, IN_FRONT);
}

async function sampleFile(patient: Patient): Promise<string | undefined> {
  for (const project of await patient.samples()) {
    const file = (await patient.verified(project).catch(() => undefined))?.files[0];
    if (file) return fileUrlPath(file.path, file.sha256);
  }
  return undefined;
}
