import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKey } from '@holdfast/tuf/node';
import { fileNamed, flask, later, NOW, own, signingOf, toKeys } from '../../test/signing.ts';
import { type Overview, overviewJson } from './overview.ts';
import { drawProject } from './project-picture.ts';
import type { ProjectStatus } from './project-status.ts';

const [ann, bob, eve] = await Promise.all([generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')]);
const short = ({ key }: typeof ann): string => key.keyid.slice(0, 12);
const [windows, docs] = [`${own}.windows`, `${own}.docs`];

const signing = await signingOf(
  {
    role: own,
    signers: [ann, eve],
    threshold: 2,
    version: 7,
    files: ['flask-1.0.tar.gz', 'flask-1.10.tar.gz', 'flask-1.9.tar.gz'].map((name) => fileNamed(name)),
    delegations: toKeys([windows, bob.key, '*-win_amd64.whl'], [docs, bob.key, '*docs*']),
  },
  {
    role: windows,
    signers: [bob],
    version: 2,
    expires: later(20),
    files: [fileNamed('flask-1.0-py3-none-win_amd64.whl')],
  },
  { role: docs, signers: [bob], unsigned: true },
);
const status: ProjectStatus = {
  project: flask,
  standing: 'claimed',
  role: own,
  staged: [{ ...fileNamed('flask-2.0.tar.gz', 'c'.repeat(64)), account: 'ci' }],
  transactions: [
    {
      account: 'bob',
      recordedAt: NOW,
      waitsUntil: later(30),
      transaction: { roles: new Map() },
      waiting: new Map([[own, { signed: ['x'], threshold: 2 }]]),
    },
  ],
  claimWaits: false,
  roles: new Map(),
  nextSigning: later(14),
  generation: 1,
  retired: new Map(),
};
const overview: Overview = { signing, status, mine: new Set([ann.key.keyid]), now: NOW };

test('the picture of a project shows who signs what, until when, and what waits', () => {
  assert.equal(
    drawProject(overview),
    `flask  claimed: only its developers publish; operators sign next by 2026-12-05
targets
└─ claimed
   └─ project.flask  version 7, valid until 2027-12-26
         2 of 2 keys: ${short(ann)} (yours), ${short(eve)}
         3 files: 1.10, 1.9, 1.0
      └─ windows  *-win_amd64.whl  version 2, valid until 2026-12-11: holdfast sign --renew
            key ${short(bob)}
            1 file: 1.0
      └─ docs  *docs*  nobody has signed it yet
            key ${short(bob)}
waits: holdfast sign flask
   flask-2.0.tar.gz  1234 bytes  sha256 ${'c'.repeat(64)}  brought by ci at 2026-11-21 12:00 UTC
   a change by bob of 2026-11-21 12:00 UTC: project.flask (1 of 2 signatures); forgotten on 2026-12-21
`,
  );
  // oxlint-disable-next-line no-control-regex
  assert.equal(drawProject(overview, { colour: true }).replaceAll(/\u001b\[\d+m/g, ''), drawProject(overview));
});

test('a picture says when a role expired or was revoked, and what an unclaimed project needs', async () => {
  const expired = await signingOf({ role: own, signers: [ann], expires: later(-1) });
  assert.match(drawProject({ ...overview, signing: expired }), /version 1, EXPIRED 2026-11-20: holdfast sign --renew/);
  const revoked = await signingOf({ role: own, signers: [ann], revoked: true });
  assert.match(drawProject({ ...overview, signing: revoked }), /^flask {2}revoked: nothing of it can be installed/);
  const unclaimed = { ...signing, standing: 'unclaimed', roles: [] } as const;
  assert.match(
    drawProject({ ...overview, signing: unclaimed }),
    /4 files: 1\.10, 1\.9, 1\.0\nholdfast claim flask makes it yours/,
  );
  const nothing = { ...unclaimed, standing: 'none', files: [] } as const;
  assert.equal(drawProject({ ...overview, signing: nothing, status: undefined }), 'flask  publishes nothing\n');
});

test('what makes files visible that wait depends on who signs for the project', async () => {
  const unclaimed = { ...signing, standing: 'unclaimed', roles: [] } as const;
  const quiet = { ...unclaimed, standing: 'rarely-updated' } as const;
  const files = { ...status, transactions: [] };
  const waits = (of: typeof overview.signing, told: ProjectStatus = files): string =>
    /^waits.*$/m.exec(drawProject({ ...overview, signing: of, status: told }))?.[0] ?? 'nothing';
  const next = "waits for the operators' next signing (by 2026-12-05)";
  assert.equal(waits(quiet), `${next}, or for a claim: holdfast claim flask`);
  assert.equal(waits(quiet, { ...files, claimWaits: true }), `${next}; its claim counts from then on`);
  assert.equal(waits(unclaimed), 'waits for a claim: holdfast claim flask');
  const none = { ...unclaimed, standing: 'none', files: [] } as const;
  assert.equal(waits(none), 'waits for a claim: holdfast upload, with the same files');
  const revoked = await signingOf({ role: own, signers: [ann], revoked: true });
  assert.equal(waits(revoked), 'waits for the project to be claimed anew: holdfast claim flask');
  // A claim of several holders lacks signatures, whoever signs for the project now.
  assert.equal(waits(unclaimed, { ...status, staged: [] }), 'waits: holdfast sign flask');
});

test('the same is told to programs', () => {
  const json = JSON.parse(JSON.stringify(overviewJson(overview))) as Record<string, Record<string, unknown>[]>;
  assert.deepEqual(
    json['roles']?.map(({ role, version, paths, files }) => [role, version, paths, files]),
    [
      [own, 7, ['*'], 3],
      [windows, 2, ['*-win_amd64.whl'], 1],
      [docs, null, ['*docs*'], 0],
    ],
  );
  assert.deepEqual(json['roles']?.[0]?.['keys'], [
    { keyid: ann.key.keyid, yours: true },
    { keyid: eve.key.keyid, yours: false },
  ]);
  assert.equal(json['waiting']?.length, 1);
});
