import { InvalidTokenUriError } from '../errors.ts';

/** A key in a token, as RFC 7512 names it. */
export interface TokenKey {
  /** `module-path`: the token's own library, which runs inside this process. */
  readonly module: string;
  /** `token`: its label. */
  readonly token: string;
  /** `object`: the key's label, and `id` in hex; one of the two at least. */
  readonly key: { readonly label?: string; readonly id?: string };
}

const PATH_ATTRIBUTES = new Set(['token', 'object', 'id', 'type']);

/**
 * Reads an address such as `pkcs11:token=YubiKey;object=release?module-path=/usr/lib/opensc-pkcs11.so` (RFC 7512). Attributes that
 * would be ignored are refused, since they were written to choose among several; so is a PIN, which does not belong into a list.
 * @throws InvalidTokenUriError
 */
export function parseTokenUri(uri: string): TokenKey {
  const [, path, query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/s.exec(uri) ?? [];
  if (path === undefined) throw new InvalidTokenUriError('it begins with "pkcs11:"');
  const attributes = readAttributes(path, ';');
  for (const name of attributes.keys())
    if (!PATH_ATTRIBUTES.has(name))
      throw new InvalidTokenUriError(`"${name}" is not supported, use token, object and id`);
  const type = text(attributes, 'type');
  if (type !== undefined && type !== 'private' && type !== 'public') throw new InvalidTokenUriError('type is private');
  const options = readAttributes(query, '&');
  for (const name of options.keys())
    if (name !== 'module-path')
      throw new InvalidTokenUriError(`"${name}" is not supported, and a PIN is asked for when it is needed`);
  const module = text(options, 'module-path');
  const token = text(attributes, 'token');
  const label = text(attributes, 'object');
  const id = attributes.get('id')?.toString('hex');
  if (module === undefined)
    throw new InvalidTokenUriError("it ends with ?module-path= and the path of the token's library");
  if (token === undefined) throw new InvalidTokenUriError('it names no token');
  if (label === undefined && id === undefined)
    throw new InvalidTokenUriError('it names no key: object or id is missing');
  return { module, token, key: { ...(label !== undefined && { label }), ...(id !== undefined && { id }) } };
}

function readAttributes(list: string, separator: string): Map<string, Buffer> {
  const attributes = new Map<string, Buffer>();
  for (const part of list.split(separator)) {
    if (part === '') continue;
    const [, name = '', value = ''] = /^([a-z-]+)=(.*)$/s.exec(part) ?? [];
    if (name === '' || attributes.has(name)) throw new InvalidTokenUriError(`"${part}" stands in it`);
    attributes.set(name, percentDecoded(value));
  }
  return attributes;
}

/** An id is bytes, so decoding must not go through text. */
function percentDecoded(value: string): Buffer {
  if (/%(?![0-9A-Fa-f]{2})/.test(value)) throw new InvalidTokenUriError(`"${value}" is not percent-encoded`);
  return Buffer.concat(
    value
      .split(/(%[0-9A-Fa-f]{2})/)
      .map((part) => (/^%[0-9A-Fa-f]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  );
}

function text(attributes: ReadonlyMap<string, Buffer>, name: string): string | undefined {
  const value = attributes.get(name)?.toString('utf8');
  return value === '' ? undefined : value;
}
