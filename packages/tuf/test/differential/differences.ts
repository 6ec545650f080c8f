import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PathPattern } from '@holdfast/tuf';
import { PEER_NAMES, type PeerName } from '../peers/peer.ts';
import { oddName } from './build.ts';
import type { Move, Plan } from './plan.ts';

/** A kind of disagreement. What it is, who disagrees and who is right stands in docs/tuf-differences.md under its id. */
export interface Difference {
  readonly id: string;
  /** The directed cases that show it, by their names. */
  readonly cases?: RegExp;
  /** Whether a generated plan may show it when a peer looks a path up, or, without one, when it refreshes. */
  readonly mayShow?: (plan: Plan, path: string | undefined) => boolean;
}

const PROTOTYPE_NAMES: ReadonlySet<string> = new Set(['constructor', 'toString', '__proto__']);

export const DIFFERENCES: readonly Difference[] = [
  { id: 'version-below-one', cases: /^version (zero|negative) |version zero in/ },
  { id: 'member-twice', cases: /^(version|x unknown member|signed|targets\.a) twice / },
  { id: 'large-integers', cases: /over 2\^53|with 1e21/ },
  { id: 'minus-zero', cases: /minus zero/ },
  { id: 'spec-version-form', cases: /^spec_version/ },
  { id: 'expires-form', cases: /^expires/ },
  { id: 'code-point-order', cases: /above U\+FFFF/ },
  { id: 'invalid-utf8', cases: /invalid UTF-8/ },
  { id: 'nesting', cases: /deep nesting/ },
  { id: 'foreign-signature-form', cases: /signature of an unknown key is no hex/ },
  { id: 'signature-without-keyid', cases: /signature without keyid/ },
  {
    id: 'consistent-snapshot-absent',
    cases: /^no consistent_snapshot/,
    mayShow: (plan, path) => path === undefined && plan.consistentSnapshot === undefined,
  },
  { id: 'consistent-snapshot-type', cases: /^consistent_snapshot (text|number)/ },
  { id: 'mirrors-role', cases: /further role in root/ },
  { id: 'unlisted-keyid', cases: /keyids with an unknown one/ },
  { id: 'keyid-twice', cases: /keyids twice/ },
  { id: 'foreign-keys', cases: /^keys\.unused/ },
  { id: 'timestamp-lists-others', cases: /further entry in timestamp/ },
  { id: 'hashes-empty', cases: /hashes empty/ },
  { id: 'hashes-unknown', cases: /hashes md5 only in targets/ },
  { id: 'hashes-form', cases: /hashes (in upper case|no hex)/ },
  {
    id: 'length-of-metadata',
    cases: /^meta\..*length (zero|negative)/,
    mayShow: (plan) => plan.metaHashes && oddName(plan).startsWith('empty file'),
  },
  { id: 'length-negative', cases: /^targets\.a\.length negative/ },
  { id: 'targets-absent', cases: /^targets absent/ },
  { id: 'targets-null', cases: /^targets null/ },
  { id: 'custom-type', cases: /^targets\.a\.custom (null|text|list)/ },
  { id: 'delegations-without-roles', cases: /^delegations without roles/ },
  { id: 'paths-absent', cases: /paths absent/ },
  { id: 'paths-type', cases: /paths text/ },
  { id: 'terminating-absent', cases: /terminating absent/ },
  { id: 'terminating-type', cases: /terminating (null|text|number)/ },
  { id: 'delegated-threshold', cases: /roles\.0\.threshold (zero|negative)/ },
  { id: 'delegated-name', cases: /roles\.0\.name/ },
  { id: 'delegated-name-twice', cases: /of the same name/ },
  {
    id: 'patterns-minimatch',
    cases: /^pattern /,
    mayShow: (plan, path) => path !== undefined && minimatchDiffers(plan, path),
  },
  {
    id: 'patterns-go',
    cases: /^pattern .*[[\\]/,
    mayShow: (plan, path) => path !== undefined && patternsOf(plan).some((one) => /[[\\]/.test(one)),
  },
  {
    id: 'hash-prefixes-base64',
    cases: /path_hash_prefixes/,
    mayShow: ({ roles }, path) =>
      path !== undefined && roles.some(({ edges }) => edges.some((edge) => edge.patterns === undefined)),
  },
  {
    id: 'recovery-after-rotation',
    cases: /^fast-forward/,
    mayShow: ({ moves }) =>
      moves.includes('add a timestamp key and go back') ||
      follows(moves, 'wrong version of targets', [
        'rotate timestamp',
        'rotate snapshot',
        'rotate timestamp and go back',
      ]),
  },
  {
    id: 'prototype-names',
    cases: /^names of builtin members/,
    mayShow: (plan, path) =>
      (path !== undefined && PROTOTYPE_NAMES.has(path)) || plan.roles.some(({ name }) => PROTOTYPE_NAMES.has(name)),
  },
  {
    id: 'integer-names',
    cases: /^role names like integers/,
    mayShow: (plan) => plan.roles.some((role) => isReordered(namesOf(plan, role.edges))),
  },
  {
    id: 'one-key-twice',
    cases: /^one key under two keyids/,
    mayShow: (plan) => plan.roles.some(({ edges }) => edges.some(({ alias }) => alias)),
  },
  { id: 'snapshot-cached', cases: /^two snapshots of one version/ },
  {
    id: 'role-of-two-parents',
    cases: /^role verified for one parent/,
    mayShow: ({ roles }) => {
      const children = roles.flatMap(({ edges }) => [...new Set(edges.map(({ child }) => child))]);
      return new Set(children).size < children.length;
    },
  },
  { id: 'rsa-below-2048', cases: /^key rsa-1024/ },
  { id: 'rsa-pss-longer-hash', cases: /^key rsa-pss/ },
];

function follows(moves: readonly Move[], first: Move, then: readonly Move[]): boolean {
  const index = moves.indexOf(first);
  return index >= 0 && moves.slice(index).some((move) => then.includes(move));
}

/** The matcher of tuf-js, to know where exactly it disagrees. */
const models = createRequire(createRequire(new URL('../peers/tuf-js.ts', import.meta.url)).resolve('@tufjs/models'));
const { minimatch } = models('minimatch') as { minimatch: (text: string, pattern: string) => boolean };

function minimatchDiffers(plan: Plan, path: string): boolean {
  const parts = path.split('/');
  return patternsOf(plan).some((pattern) => {
    const segments = pattern.split('/');
    const theirs = segments.length === parts.length && parts.every((part, at) => minimatch(part, segments[at] ?? ''));
    return theirs !== new PathPattern(pattern).matches(path);
  });
}

function patternsOf(plan: Plan): readonly string[] {
  return plan.roles.flatMap(({ edges, bins }) =>
    bins === undefined ? edges.flatMap(({ patterns }) => patterns ?? []) : [],
  );
}

function namesOf(plan: Plan, edges: Plan['roles'][number]['edges']): readonly string[] {
  return edges.map(({ child }) => plan.roles[child]?.name ?? '');
}

/** An object would list the names in another order. */
function isReordered(names: readonly string[]): boolean {
  return Object.keys(Object.fromEntries(names.map((name) => [name, 0]))).join('\n') !== names.join('\n');
}

/** The table of docs/tuf-differences.md: for each id, the peers that do not do as we do. */
export function listedPeers(): ReadonlyMap<string, ReadonlySet<PeerName>> {
  const text = readFileSync(new URL('../../../../docs/tuf-differences.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    rows.map((row) => {
      const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
      const differing = PEER_NAMES.filter((_, index) => cells[index + 4] !== '=');
      return [(cells[1] ?? '').replaceAll('`', ''), new Set(differing)];
    }),
  );
}
