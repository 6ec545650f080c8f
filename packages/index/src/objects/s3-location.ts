import { isIP } from 'node:net';
import { InvalidLocationError } from '../errors.ts';

/** Where a bucket is. Who may use it is said by the environment, never by the location: locations are logged. */
export interface S3Location {
  readonly bucket: string;
  /** Of the service; AWS's own when undefined. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

/** Names that every service takes (AWS, "Bucket naming rules"). */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Reads `s3://BUCKET`, `s3://BUCKET?endpoint=https://…&region=…`. @throws InvalidLocationError when it is none, or holds a secret */
export function parseS3Location(text: string): S3Location {
  const url = URL.parse(text);
  if (url?.protocol !== 's3:') throw new InvalidLocationError('the location of a bucket begins with s3://');
  if (url.username !== '' || url.password !== '') {
    throw new InvalidLocationError('the location of a bucket holds no credentials: they come from the environment');
  }
  if (!BUCKET.test(url.host) || isIP(url.host) !== 0 || !['', '/'].includes(url.pathname) || url.hash !== '') {
    throw new InvalidLocationError('a location names a whole bucket: s3://BUCKET?endpoint=URL&region=NAME');
  }
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'endpoint' && name !== 'region');
  if (unknown !== undefined)
    throw new InvalidLocationError(`the location of a bucket has no ${JSON.stringify(unknown)}`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined) assertEndpoint(endpoint);
  return { bucket: url.host, endpoint, region: url.searchParams.get('region') ?? undefined };
}

function assertEndpoint(text: string): void {
  const url = URL.parse(text);
  const fits = url && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '';
  if (!fits || url.search !== '' || url.hash !== '')
    throw new InvalidLocationError('an endpoint is an http or https URL');
}
