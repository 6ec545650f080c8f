import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Loot } from '../src/index.ts';
import { Burglary } from './security-model/burglary.ts';
import { FORMS } from './security-model/memory-installer.ts';
import { ANSWERS, FACES, Revocation } from './security-model/revocation.ts';
import { controlsState } from './security-model/rule.ts';

/** A developer's key is stolen, and the developer answers alone: a revocation (TAP 20) or a rotation (TAP 8); then the operators fold it. */
const revocation = await Revocation.begin(await Burglary.begin());
const LOOTS: readonly Loot[] = [
  { developer: 'enough' },
  { developer: 'enough', timestamp: 'enough' },
  { developer: 'enough', timestamp: 'enough', snapshot: 'enough' },
];

test('the honest index: a revoked project installs nothing until the operators give it new keys; a rotated one goes on (M11)', async () => {
  for (const form of FORMS) {
    for (const seen of [undefined, 'nothing', 'revoked'] as const) {
      assert.equal(await revocation.sees(revocation.honest('revoked'), form, seen), 'refused');
      assert.equal(await revocation.sees(revocation.honest('folded'), form, seen), 'current');
    }
    for (const seen of [undefined, 'nothing', 'rotated'] as const)
      assert.equal(await revocation.sees(revocation.honest('rotated'), form, seen), 'current');
  }
});

test('a stolen developer key installs nothing once its owner has answered: on no computer that saw the answer, and on no new one without the timestamp key (M11)', async () => {
  for (const loot of LOOTS) {
    for (const answer of ANSWERS) {
      for (const face of FACES) {
        const forged = await revocation.forged(loot, answer, face);
        for (const form of FORMS) {
          for (const seen of [undefined, answer]) {
            const outcome = await revocation.sees(forged, form, seen);
            const hidden = seen === undefined && face === 'before';
            const expected = controlsState(loot, form) && (answer === 'nothing' || hidden);
            const said = `${Object.keys(loot).join()}, ${answer}, ${face}, ${form}, ${seen ?? 'new'}: ${outcome}`;
            assert.equal(outcome === 'forged', expected, said);
          }
        }
      }
    }
  }
});
