import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import { compareVersions, parseFilenameOf } from '@holdfast/python-index';
import { delegationOf, labelOf, shownPatterns } from './coverage.ts';
import type { Overview } from './overview.ts';
import type { ProjectStatus } from './project-status.ts';

/** Days before the end of a role's validity from which on the picture warns. */
const WARN_DAYS = 60;
const DAY_MS = 86_400_000;

type Paint = (code: number, text: string) => string;

/** A project's chain of trust for a terminal, from the top that answers for it down to its files, and what waits beside it. */
export function drawProject(overview: Overview, options: { colour?: boolean } = {}): string {
  const paint: Paint = (code, text) => (options.colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const lines = [`${paint(1, overview.signing.name)}  ${standingLine(overview)}`];
  if (overview.signing.roles.length === 0) lines.push(...unclaimedLines(overview));
  else lines.push(...treeLines(overview, paint));
  return `${[...lines, ...waitingLines(overview, paint)].join('\n')}\n`;
}

function standingLine({ signing, status }: Overview): string {
  const next = status?.nextSigning === undefined ? '' : `; operators sign next by ${day(status.nextSigning)}`;
  if (signing.roles[0]?.revoked) return `revoked: nothing of it can be installed until it is claimed anew${next}`;
  switch (signing.standing) {
    case 'claimed':
      return `claimed: only its developers publish${next}`;
    case 'recently-claimed':
      return `recently claimed: only its developers publish; the operators' next signing makes that last${next}`;
    case 'rarely-updated':
      return `nobody claimed it; operators signed its files, and new ones wait for them or for a claim${next}`;
    case 'unclaimed':
      return 'nobody claimed it: the index signs what is uploaded';
    case 'none':
      return 'publishes nothing';
  }
}

function unclaimedLines({ signing, status }: Overview): string[] {
  if (signing.files.length === 0) return [];
  const claim = status?.claimWaits
    ? 'A claim of it counts from the next offline signing on.'
    : `holdfast claim ${signing.name} makes it yours.`;
  return [
    `└─ ${filesLine(
      signing.name,
      signing.files.map(({ filename }) => filename),
    )}`,
    claim,
  ];
}

function treeLines(overview: Overview, paint: Paint): string[] {
  const { signing } = overview;
  const [own] = signing.roles;
  const above = own?.chain.slice(0, -1) ?? [];
  const lines = above.map((role, at) => `${at === 0 ? '' : `${'   '.repeat(at - 1)}└─ `}${role}`);
  for (const role of signing.roles) {
    const depth = role.chain.length - 1;
    const name = role === own ? role.role : labelOf(role.role).split('.').at(-1);
    const state = role.expired || role.revoked ? 31 : 32;
    const patterns = role === own ? '' : `  ${shownPatterns(delegationOf(signing, role)).join(' ')}`;
    lines.push(
      `${'   '.repeat(depth - 1)}└─ ${paint(state, name ?? role.role)}${patterns}  ${validity(overview, role, paint)}`,
    );
    lines.push(`${'   '.repeat(depth)}   ${holders(overview, role)}`);
    const files = signing.files.filter(({ voucher }) => voucher.chain.at(-1) === role.role);
    if (files.length > 0)
      lines.push(
        `${'   '.repeat(depth)}   ${filesLine(
          signing.name,
          files.map(({ filename }) => filename),
        )}`,
      );
  }
  return lines;
}

function validity({ now }: Overview, { signed, expired, revoked }: SigningRole, paint: Paint): string {
  if (revoked) return paint(31, 'revoked');
  if (!signed) return 'nobody has signed it yet';
  const until = `valid until ${day(signed.expires)}`;
  if (expired) return paint(31, `version ${signed.version}, EXPIRED ${day(signed.expires)}: holdfast sign --renew`);
  const isSoon = signed.expires.getTime() - now.getTime() < WARN_DAYS * DAY_MS;
  return isSoon
    ? `version ${signed.version}, ${paint(33, `${until}: holdfast sign --renew`)}`
    : `version ${signed.version}, ${until}`;
}

function holders({ mine }: Overview, { keys, threshold }: SigningRole): string {
  const names = [...keys.keys()].map((keyid) => `${short(keyid)}${mine.has(keyid) ? ' (yours)' : ''}`);
  return names.length === 1 ? `key ${names[0]}` : `${threshold} of ${names.length} keys: ${names.join(', ')}`;
}

function filesLine(project: Overview['signing']['name'], filenames: readonly string[]): string {
  const versions = new Set(filenames.map((name) => parseFilenameOf(project, name).normalizedVersion));
  const newest = [...versions].sort((a, b) => compareVersions(b, a)).slice(0, MAX_VERSIONS);
  const more = versions.size > newest.length ? ', …' : '';
  return `${count(filenames.length, 'file')}: ${newest.join(', ')}${more}`;
}

const MAX_VERSIONS = 5;

/** What makes visible what waits beside a project; goes on after "waits". */
export function waitsFor({ name, standing, roles }: ProjectSigning, status: ProjectStatus | undefined): string {
  const { staged = [], transactions = [], claimWaits = false, nextSigning } = status ?? {};
  if (transactions.length > 0) return `: holdfast sign ${name}`;
  if (roles[0]?.revoked) return ` for the project to be claimed anew: holdfast claim ${name}`;
  if (roles.length > 0 || staged.length === 0) return `: holdfast sign ${name}`;
  if (standing === 'rarely-updated') {
    const when = nextSigning === undefined ? '' : ` (by ${day(nextSigning)})`;
    const claim = claimWaits ? '; its claim counts from then on' : `, or for a claim: holdfast claim ${name}`;
    return ` for the operators' next signing${when}${claim}`;
  }
  return ` for a claim: holdfast ${standing === 'none' ? 'upload, with the same files' : `claim ${name}`}`;
}

function waitingLines({ status, signing }: Overview, paint: Paint): string[] {
  const staged = status?.staged ?? [];
  const transactions = status?.transactions ?? [];
  if (staged.length === 0 && transactions.length === 0) return [];
  return [
    paint(33, `waits${waitsFor(signing, status)}`),
    ...staged.map(
      ({ filename, sha256, size, account, uploadTime }) =>
        `   ${filename}  ${size} bytes  sha256 ${sha256}  brought by ${account || 'somebody'} at ${minute(uploadTime)}`,
    ),
    ...transactions.map(({ account, recordedAt, waitsUntil, waiting }) => {
      const lack = [...waiting].map(
        ([name, { signed, threshold }]) => `${name} (${signed.length} of ${threshold} signatures)`,
      );
      const until = waitsUntil === undefined ? '' : `; forgotten on ${day(waitsUntil)}`;
      return `   a change by ${account} of ${minute(recordedAt)}: ${lack.join(', ')}${until}`;
    }),
  ];
}

const short = (keyid: string): string => keyid.slice(0, 12);
const day = (date: Date): string => date.toISOString().slice(0, 10);
const minute = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
