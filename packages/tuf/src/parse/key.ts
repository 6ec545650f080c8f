import type { JsonValue } from '../json/value.ts';
import type { PublicKey } from '../model.ts';
import { asObject, asString } from './fields.ts';

/** Keys of unknown types are kept: metadata may list them for others, they just never count here (§4.2). */
export function parseKeys(value: JsonValue | undefined, where: string): ReadonlyMap<string, PublicKey> {
  const keys = new Map<string, PublicKey>();
  for (const [keyid, key] of asObject(value, where)) keys.set(keyid, parseKey(keyid, key, `${where}["${keyid}"]`));
  return keys;
}

export function parseKey(keyid: string, value: JsonValue, where: string): PublicKey {
  const json = asObject(value, where);
  const material = asObject(json.get('keyval'), `${where}.keyval`).get('public');
  return {
    keyid,
    keytype: asString(json.get('keytype'), `${where}.keytype`),
    scheme: asString(json.get('scheme'), `${where}.scheme`),
    public: typeof material === 'string' ? material : '',
    json,
  };
}
