import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { forge, LEVERS, type Loot, signProject, STANDINGS } from '../src/index.ts';
import { Burglary, USERS } from './security-model/burglary.ts';
import { everyLoot, Forgeries } from './security-model/combinations.ts';
import { withParts } from './security-model/document.ts';
import { endsOf, firstToEnd } from './security-model/ends.ts';
import { lockOut } from './security-model/lockout.ts';
import { FORMS, Memory } from './security-model/memory-installer.ts';
import { boundsOf, canForge, controlsState, mustBeValid } from './security-model/rule.ts';
import { tablesOf } from './security-model/tables.ts';

/**
 * Table 1 of PEP 480 and Table 4 of PEP 458: a thief with each combination of stolen keys, who controls the server besides, tries
 * every attack on the real installer. What comes of it must be what a rule says that knows nothing of the code, and what
 * docs/security-model.md prints.
 */
const burglary = await Burglary.begin();
const forgeries = await Forgeries.commit(burglary);
const TOPS: readonly Loot[] = [
  {},
  { timestamp: 'enough' },
  { snapshot: 'enough' },
  { timestamp: 'enough', snapshot: 'enough' },
];
const KNOWING = ['knows by lookups', 'knows by files'] as const;
const named = (loot: Loot): string => Object.keys(loot).join(' and ') || 'nothing';

for (const user of USERS) {
  test(`every combination of stolen keys forges exactly the projects that the rule names: a user who ${user === 'new' ? 'is new' : user} (M10, P17)`, async () => {
    const who = user === 'new' ? 'new' : 'knows';
    for (const form of FORMS) {
      for (const loot of everyLoot()) {
        const expected = STANDINGS.filter((standing) => canForge(loot, standing, who, form));
        const forged = forgeries.of(loot, user, form);
        const said = `${form}, ${JSON.stringify(loot)}`;
        assert.deepEqual(
          STANDINGS.filter((standing) => forged.has(standing)),
          expected,
          said,
        );
      }
    }
  });
}

test('all online keys, one of each two offline keys and the server: no forged file of a claimed or rarely updated project, but to new users of one that became so lately (M10)', async () => {
  const loot: Loot = {
    timestamp: 'enough',
    snapshot: 'enough',
    'recently-claimed': 'enough',
    unclaimed: 'enough',
    root: 'too few',
    targets: 'too few',
    claimed: 'too few',
    'rarely-updated': 'too few',
  };
  const forgedFor = (user: (typeof USERS)[number]) => {
    const all = FORMS.map((form) => forgeries.of(loot, user, form));
    return STANDINGS.filter((standing) => all.some((forged) => forged.has(standing)));
  };
  for (const user of KNOWING) assert.deepEqual(forgedFor(user), ['recently-claimed', 'unclaimed', 'new']);
  assert.deepEqual(forgedFor('new'), [
    'claimed-lately',
    'rarely-updated-lately',
    'recently-claimed',
    'unclaimed',
    'new',
  ]);
});

test('a claimed project whose developers deleted every file stays theirs: nothing can be added with all online keys (M10)', async () => {
  const { world, thief } = burglary;
  const loot: Loot = { ...TOPS.at(-1), 'recently-claimed': 'enough', unclaimed: 'enough' };
  const signing = { version: 3, expires: world.expiry('developer'), signers: world.keys.developer.signers };
  const emptied = await signProject('claimed', [], signing);
  for (const lever of ['unclaimed', 'recently-claimed'] as const) {
    const forged = await forge(thief.with(loot), lever, 'current');
    const served = await forged.with({ listing: new Map([...forged.parts.listing, ...emptied]) });
    for (const user of USERS) {
      for (const form of FORMS) {
        const seen = await burglary.see(served, user, form);
        assert.equal(seen.claimed, 'nothing', `${lever}, ${user}, ${form}`);
        assert.equal(seen.unclaimed, 'forged', 'the thief can forge what online keys answer for');
      }
    }
  }
});

test('a move to the maximum model: who comes new with the old root is shown the old model with stolen online keys, who comes with a root of new targets keys is not (P17)', async () => {
  const { world, thief } = burglary;
  const loot: Loot = { timestamp: 'enough', snapshot: 'enough', unclaimed: 'enough' };
  const forged = await forge(thief.with(loot), 'unclaimed', 'current');
  const old = await forged.with({ listing: new Map([...forged.parts.listing, ...(await world.minimumTargets())]) });
  const renewed = await world.renewed(['targets']);
  const [, root = assert.fail()] = renewed.parts.roots;
  for (const form of FORMS) {
    assert.equal((await burglary.see(old, 'new', form)).claimed, 'forged');
    for (const user of KNOWING) assert.equal((await burglary.see(old, user, form)).claimed, 'refused');
    const served = await old.with({ roots: renewed.parts.roots });
    assert.equal((await burglary.visit(served, new Memory(), form, { root })).claimed, 'refused');
    assert.equal((await burglary.visit(renewed, new Memory(), form, { root })).claimed, 'current');
  }
});

test('a freeze ends when the first role expires that the thief cannot renew (P17)', async () => {
  for (const loot of TOPS) {
    for (const form of FORMS) {
      const shown = 'timestamp' in loot ? await burglary.shown(loot, 'current') : burglary.world.current;
      const ends = await endsOf(burglary, shown, form, ['current', 'nothing']);
      for (const standing of STANDINGS) {
        const expected = firstToEnd(mustBeValid(loot, standing, form));
        assert.equal(ends[standing], expected, `${named(loot)}, ${form}, ${standing}`);
      }
    }
  }
});

test('a lie ends when the first role expires that comes before the one that lies (P17)', async () => {
  for (const lever of LEVERS) {
    const loot: Loot = { timestamp: 'enough', snapshot: 'enough', [lever]: 'enough' };
    for (const form of FORMS) {
      const forged = await burglary.forged(loot, lever, 'current');
      const ends = await endsOf(burglary, forged, form, ['forged']);
      for (const standing of STANDINGS.filter((each) => canForge(loot, each, 'knows', form)))
        assert.equal(ends[standing], firstToEnd(boundsOf(lever, standing)), `${lever}, ${form}, ${standing}`);
    }
  }
});

test('mix-and-match: roles of different moments are shown to new users by who can say what the newest state is, to others by nobody (P17, P20)', async () => {
  for (const loot of TOPS) {
    const mixed = await burglary.shown(loot, 'mixed');
    for (const form of FORMS) {
      for (const user of USERS) {
        const { claimed, unclaimed } = await burglary.see(mixed, user, form);
        const expected = user === 'new' && controlsState(loot, form);
        assert.equal(claimed === 'past' && unclaimed === 'current', expected, `${named(loot)}, ${form}, ${user}`);
        if (user !== 'new') assert.equal(claimed, 'refused');
      }
    }
  }
});

test('rollback: who knows the newer state is never shown an older one, whoever signs timestamp and snapshot (P20)', async () => {
  for (const loot of TOPS) {
    for (const past of [burglary.world.past, await burglary.shown(loot, 'past')]) {
      for (const form of FORMS) {
        for (const user of KNOWING) {
          const seen = await burglary.see(past, user, form);
          for (const standing of STANDINGS) assert.equal(seen[standing], 'refused', `${named(loot)}, ${form}, ${user}`);
        }
      }
    }
  }
});

test('fast-forward: the timestamp key locks people out, until a root names new online keys (P20, P18)', async () => {
  for (const loot of TOPS) {
    for (const form of FORMS) {
      for (const user of USERS) {
        const { during, honest, recovered } = await lockOut(burglary, loot, 'tops', user, form);
        const said = `${named(loot)}, ${form}, ${user}`;
        const followed = 'timestamp' in loot;
        assert.equal(during.claimed, followed ? 'current' : 'refused', said);
        assert.equal(honest.claimed, followed ? 'refused' : 'current', said);
        for (const standing of STANDINGS)
          assert.equal(recovered[standing], standing === 'new' ? 'nothing' : 'current', said);
      }
    }
  }
});

test('fast-forward: a version of an offline role that was only announced locks people out too, and ends with the same keys (P20)', async () => {
  for (const loot of TOPS) {
    for (const form of FORMS) {
      const { during, honest, recovered } = await lockOut(burglary, loot, 'claimed', 'knows by lookups', form);
      const said = `${named(loot)}, ${form}`;
      assert.equal(during.claimed, 'refused', said);
      assert.equal(honest.claimed, controlsState(loot, form) ? 'refused' : 'current', said);
      assert.equal(recovered.claimed, 'current', said);
    }
  }
});

test('after a theft of root nothing that the index publishes helps: trust has to begin anew (P18)', async () => {
  const { world } = burglary;
  for (const form of FORMS) {
    const loot: Loot = { root: 'enough' };
    const { during, honest, recovered } = await lockOut(burglary, loot, 'root', 'knows by lookups', form);
    assert.deepEqual([during.claimed, honest.claimed, recovered.claimed], ['forged', 'refused', 'refused']);
    const anew = await burglary.visit(await world.recovered(), new Memory(), form);
    assert.equal(anew.claimed, 'current');
  }
});

test('withholding: what is not served is not installed, and nothing else is installed in its place (P20)', async () => {
  const { current } = burglary.world;
  const paths = [...current.files.keys()].filter((each) => each.startsWith('metadata/'));
  for (const user of USERS) {
    for (const absent of [paths, ...paths.map((path) => [path])]) {
      const files = new Map([...current.files].filter(([path]) => !absent.includes(path)));
      const seen = await burglary.visit({ files, lookup: () => undefined }, burglary.memoryOf(user), 'files');
      for (const standing of STANDINGS) {
        const allowed = absent === paths ? ['refused'] : ['current', 'refused', 'nothing'];
        assert.ok(allowed.includes(seen[standing]), `${absent.join()}, ${user}, ${standing}: ${seen[standing]}`);
      }
    }
  }
});

test('hiding: a role that the timestamp does not list any more makes installers refuse what it answers for; only the wheels of a delegate can vanish (P20)', async () => {
  const loot: Loot = { timestamp: 'enough', snapshot: 'enough' };
  const { current } = burglary.world;
  for (const role of current.parts.listing.keys()) {
    const hidden = await burglary.without(loot, role);
    for (const form of FORMS) {
      const seen = await burglary.see(hidden, 'new', form);
      for (const standing of STANDINGS) {
        const isDelegate = role === 'project.delegated.windows' && standing === 'delegated';
        const allowed = isDelegate || standing === 'new' ? ['nothing', 'refused'] : ['current', 'refused'];
        assert.ok(allowed.includes(seen[standing]), `${role}, ${form}, ${standing}: ${seen[standing]}`);
      }
      const known = await burglary.see(hidden, 'knows by files', form);
      assert.equal(known.delegated === 'nothing', role === 'project.delegated.windows' && form === 'lookups', role);
    }
  }
});

test('docs/security-model.md prints what came of the attacks (M10, P17)', async () => {
  const path = join(import.meta.dirname, '../../../docs/security-model.md');
  const document = await readFile(path, 'utf8');
  const computed = withParts(document, await tablesOf(burglary, forgeries));
  if (process.argv.includes('--update')) await writeFile(path, computed);
  else assert.equal(document, computed, `out of date: run ${process.argv[1] ?? ''} --update`);
});
