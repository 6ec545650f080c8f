import type { Identity } from '../accounts/accounts.ts';
import { currentRequest } from '../request-context.ts';
import { HttpError } from './http-error.ts';

/** The user name that goes with an API token in HTTP Basic, as on PyPI. */
export const TOKEN_USER = '__token__';

/** Longer than any token with its user name. */
const MAX_CREDENTIALS = 1024;

type Authenticate = (token: string) => Promise<Identity | undefined>;

/**
 * Who sends this request. Uploaders send HTTP Basic with `__token__`, programs may send the token as Bearer.
 * Throws `HttpError`: 401 when there are no credentials at all, so that clients ask for them; 403 when they are wrong,
 * so that clients do not ask again and again.
 */
export async function identify(authorization: string | undefined, authenticate: Authenticate): Promise<Identity> {
  const identity = await authenticate(readToken(authorization));
  if (identity === undefined)
    throw forbidden('This API token is not valid. It may be mistyped, revoked, or from another index.');
  const request = currentRequest();
  if (request) request.account = identity.account;
  return identity;
}

function readToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw new HttpError({
      status: 401,
      code: 'CREDENTIALS_MISSING',
      message: `Credentials are missing. Send the user name ${TOKEN_USER} and an API token of this index as the password.`,
      headers: { 'WWW-Authenticate': 'Basic realm="holdfast", charset="UTF-8"' },
    });
  }
  const [scheme = '', value = ''] = authorization.slice(0, MAX_CREDENTIALS).split(' ', 2);
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') throw forbidden('Use HTTP Basic or Bearer authentication with an API token.');
  const decoded = Buffer.from(value, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon === -1 || decoded.slice(0, colon) !== TOKEN_USER) {
    throw forbidden(
      `Account passwords are not accepted. Use the user name ${TOKEN_USER} and an API token as the password.`,
    );
  }
  return decoded.slice(colon + 1);
}

function forbidden(message: string): HttpError {
  return new HttpError({ status: 403, code: 'CREDENTIALS_WRONG', message });
}
