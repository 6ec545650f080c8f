import { groupsOfFour } from '../paper.ts';
import type { Review, ReviewedClaim, ReviewedHolders, ReviewedQuiet } from './review.ts';

/** A review as text: plain, a line for each thing, made to be read before a signature and kept after it. */
export function reviewText(of: Review, { diff = false } = {}): string {
  const sections = [
    headLines(of),
    holderLines(of),
    claimLines(of),
    rotatedLines(of),
    quietLines(of, diff),
    doubtLines(of),
    signLines(of),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const day = (at: Date): string => at.toISOString().slice(0, 10);
const short = (keyid: string): string => keyid.slice(0, 16);
const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

function headLines({ id, fingerprint, now, publication, model, bulletin }: Review): string[] {
  const lines = [
    `Offline signing of ${now.toISOString()}, after publication ${publication}`,
    `  this file          ${groupsOfFour(id)}`,
    `  root of trust      ${groupsOfFour(fingerprint)}   compare it with your paper`,
    `  security model     ${model.before === model.after ? model.after : `${model.before} becomes ${model.after}`}`,
  ];
  if (bulletin) lines.push(`  bulletin           ${JSON.stringify(bulletin.text)}`);
  if (bulletin === null) lines.push('  bulletin           the present one goes');
  return lines;
}

function holderLines({ holders }: Review): string[] {
  if (holders.length === 0) return [];
  return ['Holders', ...holders.flatMap(holderChange)];
}

function holderChange({ role, added, removed, threshold }: ReviewedHolders): string[] {
  const { before, after } = threshold;
  const needed =
    before === undefined || before === after ? `${after} must sign` : `${before} had to sign, ${after} must now`;
  return [
    `  ${role.padEnd(18)} ${needed}`,
    ...added.map((keyid) => `    comes  ${keyid}`),
    ...removed.map((keyid) => `    goes   ${keyid}`),
  ];
}

function claimLines({ claims }: Review): string[] {
  const moved = claims.filter(({ becomes }) => becomes === 'claimed');
  const waiting = claims.filter(({ becomes }) => becomes === 'waits');
  const lines =
    moved.length === 0
      ? []
      : [`${count(moved.length, 'project becomes', 'projects become')} claimed`, ...claimTable(moved)];
  if (waiting.length === 0) return lines;
  const reasons = waiting.map(({ project, why }) => `  ${project}: ${why}`);
  return [...lines, count(waiting.length, 'claim waits', 'claims wait'), ...reasons];
}

function claimTable(claims: readonly ReviewedClaim[]): string[] {
  const width = claims.reduce((most, { project }) => Math.max(most, project.length), 7);
  return claims.map(({ project, since, account, threshold, keys, doubts }) => {
    const who = `${threshold} of ${keys.length}: ${keys.map(({ keyid }) => short(keyid)).join(' ')}`;
    return `  ${doubts.length > 0 ? '!' : ' '} ${project.padEnd(width)}  ${day(since)}  ${account.padEnd(12)}  ${who}`;
  });
}

function rotatedLines({ rotated }: Review): string[] {
  if (rotated.length === 0) return [];
  const told = rotated.map(({ project, becomes, why }) =>
    becomes === 'folded'
      ? `  ${project}: its new keys stand in its delegation from now on`
      : `  ${project}: stays as it is, ${why}`,
  );
  return ['Claimed projects whose developers changed their keys', ...told];
}

/** For one project, and for several. */
const QUIET_TITLES: Readonly<Record<ReviewedQuiet['becomes'], readonly [string, string]>> = {
  'rarely-updated': [
    'becomes rarely updated: its files change only with your signatures',
    'become rarely updated: their files change only with your signatures',
  ],
  updated: ['stays rarely updated, with other files', 'stay rarely updated, with other files'],
  left: ['is not rarely updated any more', 'are not rarely updated any more'],
  excluded: ['was proposed and stays out', 'were proposed and stay out'],
};

function quietLines({ quiet }: Review, diff: boolean): string[] {
  return (['rarely-updated', 'updated', 'left', 'excluded'] as const).flatMap((becomes) => {
    const own = quiet.filter((one) => one.becomes === becomes);
    if (own.length === 0) return [];
    const [one, many] = QUIET_TITLES[becomes];
    const title = `${count(own.length, 'project')} ${own.length === 1 ? one : many}`;
    return [title, ...own.flatMap((each) => quietLine(each, diff))];
  });
}

function quietLine({ project, why, files, lastUpload }: ReviewedQuiet, diff: boolean): string[] {
  const since = lastUpload ? `${count(files.length, 'file')}, the newest of ${day(lastUpload)}` : why;
  const listed = files.map(({ filename, sha256, before }) => {
    const mark = before === undefined ? '+' : before === sha256 ? ' ' : '!';
    return `      ${mark} ${sha256}  ${filename}${mark === '!' ? `  (was ${before})` : ''}`;
  });
  return [`    ${project}: ${since}`, ...(diff ? listed : [])];
}

function doubtLines({ claims, shared }: Review): string[] {
  const doubted = claims.filter(({ doubts }) => doubts.length > 0);
  if (doubted.length === 0 && shared.length === 0) return [];
  return [
    'Look twice',
    ...doubted.map(({ project, doubts }) => `  ! ${project}: ${doubts.join('; ')}`),
    ...shared.map(({ keyid, projects }) => `  ! the key ${keyid} is in ${projects} claims`),
  ];
}

function signLines({ signs, retired }: Review): string[] {
  if (signs.length === 0) return ['Nothing is to be signed.'];
  const lines = signs.map(({ role, roles, renewed, expires }) => {
    const why = renewed === 0 ? '' : renewed === roles ? ', for their age' : `, ${renewed} of them for their age`;
    return `  ${role.padEnd(18)} ${count(roles, 'file')}${why}, good until ${day(expires)}`;
  });
  return ['To sign', ...lines, ...(retired > 0 ? [`  ${count(retired, 'role leaves', 'roles leave')} the index`] : [])];
}
