import {
  atRisk,
  KEY_ROLES,
  type KeyRole,
  type Lever,
  LEVERS,
  type Loot,
  type Protection,
  PYPI_2014,
  PYPI_2024,
  type Standing,
  STANDINGS,
} from '../../src/index.ts';
import type { Burglary, UserKind } from './burglary.ts';
import { everyLoot, type Forgeries, smallest } from './combinations.ts';
import { endsOf, type Ends } from './ends.ts';
import { lockOut } from './lockout.ts';
import { type Form, FORMS } from './memory-installer.ts';
import { ANSWERS, Revocation } from './revocation.ts';

/** The tables of docs/security-model.md: every cell is what an attack came to. By the name of their place in the document. */
export async function tablesOf(burglary: Burglary, forgeries: Forgeries): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['forged', forgedTable(forgeries)],
    ['suffices', sufficesTable(forgeries)],
    ['lasts', await lastsTable(burglary)],
    ['state', await stateTable(burglary)],
    ['revoked', await revokedTable(burglary)],
    ['risk', riskTable()],
  ]);
}

const code = (role: string): string => `\`${role}\``;
const NAMES: Readonly<Record<Standing, string>> = {
  claimed: 'claimed',
  delegated: "a delegate's files",
  'claimed-lately': 'claimed lately',
  'rarely-updated': 'rarely updated',
  'rarely-updated-lately': 'rarely updated lately',
  'recently-claimed': 'recently claimed',
  unclaimed: 'unclaimed',
  new: 'new name',
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const enough = (...roles: readonly KeyRole[]): Loot => Object.fromEntries(roles.map((role) => [role, 'enough']));
const TOPS = ['timestamp', 'snapshot'] as const;

/** The rows of the tables of PEP 480 and PEP 458, and those that they leave out. */
const ROWS: readonly (readonly [string, Loot])[] = [
  ['no key: a mirror, a CDN, the network, the server alone', {}],
  [
    `timestamp, snapshot, one key too few of ${['root', 'targets', 'claimed', 'rarely-updated'].map(code).join(', ')}`,
    {
      ...enough(...TOPS),
      root: 'too few',
      targets: 'too few',
      claimed: 'too few',
      'rarely-updated': 'too few',
    },
  ],
  [code('timestamp'), enough('timestamp')],
  [code('snapshot'), enough('snapshot')],
  ['timestamp and snapshot', enough(...TOPS)],
  [
    `all keys but those of ${code('root')} and ${code('timestamp')}`,
    enough(...KEY_ROLES.filter((role) => role !== 'root' && role !== 'timestamp')),
  ],
  ['timestamp, snapshot, a delegate', enough(...TOPS, 'delegate')],
  ['timestamp, snapshot, a developer', enough(...TOPS, 'developer')],
  [`timestamp, snapshot, ${code('unclaimed')}`, enough(...TOPS, 'unclaimed')],
  [`timestamp, snapshot, ${code('recently-claimed')}`, enough(...TOPS, 'recently-claimed')],
  ['**all online keys**', enough(...TOPS, 'unclaimed', 'recently-claimed')],
  [`timestamp, snapshot, ${code('rarely-updated')}`, enough(...TOPS, 'rarely-updated')],
  [`timestamp, snapshot, ${code('claimed')}`, enough(...TOPS, 'claimed')],
  [`timestamp, snapshot, ${code('targets')}`, enough(...TOPS, 'targets')],
  [code('root'), enough('root')],
];

function anyForm(
  forgeries: Forgeries,
  loot: Loot,
  users: readonly UserKind[],
  forms: readonly Form[] = FORMS,
): ReadonlySet<Standing> {
  return new Set(users.flatMap((user) => forms.flatMap((form) => [...forgeries.of(loot, user, form)])));
}
const KNOWING = ['knows by lookups', 'knows by files'] as const;

function forgedTable(forgeries: Forgeries): string {
  const rows = ROWS.map(([name, loot]) => {
    const [fresh, known] = [anyForm(forgeries, loot, ['new']), anyForm(forgeries, loot, KNOWING)];
    const cell = (standing: Standing): string =>
      known.has(standing) ? '**yes**' : fresh.has(standing) ? 'new users' : 'no';
    return [name, ...STANDINGS.map(cell)];
  });
  return table(['stolen', ...STANDINGS.map((each) => NAMES[each])], rows);
}

function sufficesTable(forgeries: Forgeries): string {
  const loots = everyLoot();
  const found = (users: readonly UserKind[], forms: readonly Form[]) => {
    const believed = loots.map((loot) => anyForm(forgeries, loot, users, forms));
    return (standing: Standing): string => setsText(smallest(loots.filter((_, at) => believed[at]?.has(standing))));
  };
  const [knows, fresh, others] = [found(KNOWING, FORMS), found(['new'], FORMS), found(KNOWING, ['files'])];
  const rows = STANDINGS.map((each) => {
    const only = fresh(each) === knows(each) ? 'the same' : fresh(each);
    return [NAMES[each], knows(each), only, others(each)];
  });
  return table(['project', 'our installer', 'our installer, new user', 'other TUF clients'], rows);
}

/** Sets of keys in words; those that differ in one key only are put together. */
function setsText(sets: readonly (readonly KeyRole[])[]): string {
  const base = (set: readonly KeyRole[]): string =>
    set
      .filter((role) => role === 'timestamp' || role === 'snapshot')
      .map(code)
      .toReversed()
      .join(' and ');
  const groups = Map.groupBy(sets, base);
  return [...groups]
    .map(([first, group]) => {
      const rest = group.map((set) =>
        set
          .filter((role) => role !== 'timestamp' && role !== 'snapshot')
          .map(code)
          .join(' and '),
      );
      return first === '' ? rest.join('; ') : `${first} with ${oneOf(rest)}`;
    })
    .join('; ');
}

const oneOf = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

async function lastsTable(burglary: Burglary): Promise<string> {
  const row = async (lever: Lever): Promise<readonly string[]> => {
    const forged = await burglary.forged(enough(...TOPS, lever), lever, 'current');
    const seen = await burglary.see(forged, 'new', 'lookups');
    const ends = await endsOf(burglary, forged, 'lookups', ['forged']);
    const cell = (standing: Standing): string => (seen[standing] === 'forged' ? endText(ends[standing]) : '–');
    return [code(lever), ...STANDINGS.map(cell)];
  };
  const rows = await Promise.all(LEVERS.map(row));
  return table(['stolen, with the timestamp', ...STANDINGS.map((each) => NAMES[each])], rows);
}

const endText = (role: KeyRole | undefined): string => (role === undefined ? 'without end' : `${code(role)} ends`);

async function stateTable(burglary: Burglary): Promise<string> {
  const loots: readonly (readonly [string, Loot])[] = [
    ['no key', {}],
    [code('snapshot'), enough('snapshot')],
    [code('timestamp'), enough('timestamp')],
    ['both', enough(...TOPS)],
  ];
  const rows = loots.map(async ([name, loot]) => {
    const frozen = async (form: Form): Promise<string> => {
      const shown = 'timestamp' in loot ? await burglary.shown(loot, 'current') : burglary.world.current;
      return endsText(await endsOf(burglary, shown, form, ['current', 'nothing']));
    };
    const mixed = async (user: UserKind): Promise<string> => {
      const seen = await Promise.all(
        FORMS.map(async (form) => burglary.see(await burglary.shown(loot, 'mixed'), user, form)),
      );
      const forms = FORMS.filter((_, at) => seen[at]?.claimed === 'past' && seen[at].unclaimed === 'current');
      return forms.length === 0 ? 'no' : forms.length === 1 ? 'in our installer' : 'yes';
    };
    const locked = await lockOut(burglary, loot, 'tops', 'knows by lookups', 'lookups');
    return [
      name,
      await frozen('lookups'),
      await frozen('files'),
      await mixed('new'),
      await mixed('knows by lookups'),
      locked.honest.claimed === 'refused' ? 'until a new root' : 'no',
    ];
  });
  const head = [
    'stolen',
    'frozen: our installer, until',
    'frozen: other TUF clients, until',
    'mixed: new user',
    'mixed or led back: who knows',
    'locked out',
  ];
  return table(head, await Promise.all(rows));
}

/** What a cell leaves out where it is in one group with another. */
const LIKE: Readonly<Partial<Record<Standing, Standing>>> = {
  delegated: 'claimed',
  'claimed-lately': 'claimed',
  'rarely-updated-lately': 'rarely-updated',
  new: 'unclaimed',
};

/** `timestamp` ends; or, where projects differ, which role for which. */
function endsText(ends: Ends): string {
  const groups = Map.groupBy(STANDINGS, (standing) => ends[standing]);
  if (groups.size === 1) return [...groups.keys()].map(endText).join();
  const texts = Array.from(groups, ([role, standings]) => {
    const isLike = (standing: Standing): boolean => standings.some((other) => other === LIKE[standing]);
    const named = standings.filter((standing) => !isLike(standing));
    return `${named.map((each) => NAMES[each]).join(', ')}: ${endText(role)}`;
  });
  return texts.join('; ');
}

async function revokedTable(burglary: Burglary): Promise<string> {
  const revocation = await Revocation.begin(burglary);
  const done = {
    nothing: 'nothing',
    revoked: 'the developer revoked the key',
    rotated: 'the developer rotated to another key',
    folded: 'the operators signed the new keys',
  } as const;
  const rows = ANSWERS.map(async (answer) => {
    const cell = async (loot: Loot, seen: boolean): Promise<string> => {
      for (const face of ['newest', 'before'] as const)
        for (const form of FORMS) {
          const forged = await revocation.forged(loot, answer, face);
          const outcome = await revocation.sees(forged, form, seen ? answer : undefined);
          if (outcome === 'forged') return face === 'newest' ? '**yes**' : 'if older roles are shown';
        }
      return 'no';
    };
    const [key, both] = [enough('developer'), enough('developer', ...TOPS)];
    return [done[answer], await cell(key, false), await cell(both, true), await cell(both, false)];
  });
  const head = [
    'answer',
    'with the key alone',
    'with timestamp and snapshot: who saw the answer',
    'with both: a new user',
  ];
  return table(head, await Promise.all(rows));
}

/** How many projects somebody installs in a month. */
const BASKETS = [2.5, 10, 30, 100];

/** Percent of a month's users that installed what a thief could have forged. */
function riskTable(): string {
  const models: readonly (readonly [string, Protection])[] = [
    ['minimum, or only TLS', { claimedShare: 0 }],
    ['legacy, the top 0.1 % of projects claimed', { claimedShare: 0.001 }],
    ['legacy, the top 1 % claimed', { claimedShare: 0.01 }],
    ['legacy, the top 10 % claimed', { claimedShare: 0.1 }],
    ['maximum', 'rarely-updated'],
  ];
  const percent = (share: number | undefined): string =>
    `${((share ?? 0) * 100).toPrecision(2)} %`.replace('1.0e+2', '100');
  const rows = models.map(([name, protection]) => {
    const weeks = atRisk(PYPI_2014, protection);
    const months = BASKETS.map((meanBasket) => atRisk({ ...PYPI_2024, meanBasket }, protection).at(-1));
    return [name, percent(weeks.at(0)), percent(weeks.at(-1)), ...months.map(percent)];
  });
  const head = ['model', '2014, a week', '2014, four weeks', ...BASKETS.map((size) => `2024, ${size} projects each`)];
  return table(head, rows);
}
