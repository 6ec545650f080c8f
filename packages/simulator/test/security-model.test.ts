import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STANDINGS } from '../src/index.ts';
import { Burglary, USERS } from './security-model/burglary.ts';
import { everyLoot, forgeable } from './security-model/combinations.ts';
import { FORMS } from './security-model/memory-installer.ts';
import { canForge } from './security-model/rule.ts';
const burglary = await Burglary.begin();

test('every combination of stolen keys forges exactly the projects that the rule names, for new users and for those who know the index (M10, P17)', async () => {
  const loots = everyLoot();
  for (const user of USERS) {
    const who = user === 'new' ? 'new' : 'knows';
    for (const form of FORMS) {
      for (const loot of loots) {
        const expected = STANDINGS.filter((standing) => canForge(loot, standing, who, form));
        const forged = await forgeable(burglary, loot, user, form);
        assert.deepEqual(
          STANDINGS.filter((s) => forged.has(s)),
          expected,
          `${user}, ${form}, ${JSON.stringify(loot)}`,
        );
      }
    }
  }
});
