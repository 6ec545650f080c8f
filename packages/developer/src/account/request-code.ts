import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { encodeJson, parseJson, readPublicKey, toJson } from '@holdfast/tuf';
import { RequestCodeError } from '../errors.ts';
import { asObject, asPlainText, asText } from '../json-fields.ts';
import { type KeyRequest, statementOf } from './account-keys.ts';
import { hasSigned } from './key-statement.ts';

/** What a code begins with; another number would be another form. */
const PREFIX = 'hfk1.';
const MAX_CODE_LENGTH = 8192;
const MAX_JSON_BYTES = 16_384;

/** A request as text that can be sent by mail or chat to the machine that has a key of the account. Nothing in it is secret. */
export function requestCode({ index, account, key, label, proof }: KeyRequest): string {
  const json = encodeJson(toJson({ index, account, key: key.json, label, proof: proof.sig }));
  return PREFIX + deflateRawSync(json, { level: 9 }).toString('base64url');
}

/**
 * Reads a code, with any white space that mail programs put into it; the new key's own signature shows that nothing was changed.
 * @throws RequestCodeError
 */
export async function readRequestCode(code: string): Promise<KeyRequest> {
  const request = await decode(code.replaceAll(/\s+/g, ''));
  if (await hasSigned(statementOf(request), request.proof, request.key)) return request;
  throw new RequestCodeError('the key in it has not signed it');
}

async function decode(text: string): Promise<KeyRequest> {
  const body = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || text.length > MAX_CODE_LENGTH || !/^[A-Za-z0-9_-]+$/.test(body))
    throw new RequestCodeError(`it begins with ${PREFIX}, and has letters, digits, - and _ only`);
  try {
    const json = inflateRawSync(Buffer.from(body, 'base64url'), { maxOutputLength: MAX_JSON_BYTES });
    const request = asObject(parseJson(json), 'it');
    const key = await readPublicKey(encodeJson(asObject(request.get('key'), 'its key')));
    return {
      index: asText(request.get('index'), 'its index'),
      account: asPlainText(request.get('account'), 'its account'),
      label: asPlainText(request.get('label'), 'its label'),
      key,
      proof: { keyid: key.keyid, sig: asText(request.get('proof'), 'its proof') },
    };
  } catch (cause) {
    throw new RequestCodeError('a part of it is missing or changed', { cause });
  }
}
