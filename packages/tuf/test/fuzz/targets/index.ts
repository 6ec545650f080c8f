import type { FuzzTarget } from '../target.ts';
import { canonical, nameOrder } from './canonical.ts';
import { der } from './der.ts';
import { json } from './json.ts';
import { keys } from './keys.ts';
import { map } from './map.ts';
import { metadata } from './metadata.ts';
import { names } from './names.ts';
import { pattern } from './pattern.ts';
import { rotation } from './rotation.ts';
import { workflow } from './workflow.ts';

/** Every target by the name of its corpus. */
export const TARGETS: ReadonlyMap<string, FuzzTarget> = new Map([
  ['json', json],
  ['canonical', canonical],
  ['name-order', nameOrder],
  ['pattern', pattern],
  ['der', der],
  ['keys', keys],
  ['names', names],
  ['metadata', metadata],
  ['map', map],
  ['rotation', rotation],
  ['workflow', workflow],
]);
