import { FormatError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { Delegations, Metadata, TargetFile, Targets } from '../model.ts';
import { parseCommon, parseHashes } from './common.ts';
import { parseDelegations } from './delegations.ts';
import { parseEnvelope } from './envelope.ts';
import { asInteger, asObject } from './fields.ts';

/** §4.5: `targets` and every role that is delegated to. An absent `targets` member means none. @throws FormatError */
export function parseTargets(bytes: Uint8Array): Metadata<Targets> {
  return parseEnvelope(bytes, targetsFrom);
}

function targetsFrom(signed: JsonObject): Targets {
  const common = parseCommon(signed, 'targets', ['targets', 'delegations']);
  const targets = new Map<string, TargetFile>();
  const listed = signed.get('targets');
  if (listed !== undefined) {
    for (const [path, value] of asObject(listed, 'signed.targets')) targets.set(path, targetFile(value));
  }
  const delegated = signed.get('delegations');
  const delegations: { delegations?: Delegations } =
    delegated === undefined ? {} : { delegations: parseDelegations(delegated) };
  return { ...common, type: 'targets', targets, ...delegations };
}

function targetFile(value: JsonValue): TargetFile {
  const object = asObject(value, 'signed.targets[]');
  const length = asInteger(object.get('length'), 0, 'signed.targets[].length');
  const hashes = parseHashes(object.get('hashes'), 'signed.targets[].hashes');
  const custom = object.get('custom');
  if (custom === undefined) return { length, hashes };
  if (!isJsonObject(custom)) throw new FormatError('signed.targets[].custom', 'should be an object');
  return { length, hashes, custom };
}
