import { EntryTable } from '../json/entry-table.ts';
import type { JsonObject } from '../json/value.ts';
import type { Delegations, Metadata, TargetFile, Targets } from '../model.ts';
import { parseCommon } from './common.ts';
import { parseDelegations } from './delegations.ts';
import { parseEnvelope } from './envelope.ts';
import { asObject } from './fields.ts';
import { TARGET_ENTRIES } from './target-entry.ts';

/**
 * §4.5: `targets` and every role that is delegated to. An absent `targets` member means none. Linear in the length; an entry
 * becomes an object when it is asked for. @throws FormatError
 */
export function parseTargets(bytes: Uint8Array): Metadata<Targets> {
  const targets = new EntryTable(TARGET_ENTRIES);
  return parseEnvelope(bytes, (signed) => targetsFrom(signed, targets), targets);
}

function targetsFrom(signed: JsonObject, targets: ReadonlyMap<string, TargetFile>): Targets {
  const common = parseCommon(signed, 'targets', ['targets', 'delegations']);
  if (signed.has('targets')) asObject(signed.get('targets'), 'signed.targets');
  const delegated = signed.get('delegations');
  const delegations: { delegations?: Delegations } =
    delegated === undefined ? {} : { delegations: parseDelegations(delegated) };
  return { ...common, type: 'targets', targets, ...delegations };
}
