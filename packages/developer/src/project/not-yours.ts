import type { ProjectSigning } from '@holdfast/installer';
import { NotYourRoleError } from '../errors.ts';
import { delegationOf, labelOf, rolesOf, shownPatterns } from './coverage.ts';

/** Why a key may not sign for a file, and what to do about it. */
export function notYours(signing: ProjectSigning, keyid: string, filename: string): NotYourRoleError {
  const { name, roles } = signing;
  const own = rolesOf(signing, new Set([keyid]));
  const mine = own.map((role) => `${labelOf(role.role)} (${shownPatterns(delegationOf(signing, role)).join(', ')})`);
  if (mine.length > 0)
    return new NotYourRoleError(
      `${filename} is outside of what your key ${short(keyid)} may sign for ${name}: ${mine.join(', ')}`,
      'Leave the file out, or give it to the owners of the project: they bring it, and sign for it.',
    );
  const holders = [...(roles[0]?.keys.keys() ?? [])].map(short);
  return new NotYourRoleError(
    `your key ${short(keyid)} is none of those that sign for ${name}: ${holders.join(', ')}`,
    `Sign with another key (--key), or ask a holder of one to add yours: holdfast rotate ${name} --add CODE, with the code that "holdfast key code" prints.`,
  );
}

const short = (keyid: string): string => keyid.slice(0, 12);
