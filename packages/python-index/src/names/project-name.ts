import { InvalidNameError } from '../errors.ts';

/** A normalized project name (PEP 503): lower case, runs of `-`, `_` and `.` made one `-`. */
export type ProjectName = string & { readonly __brand: 'ProjectName' };

/** Longest project name, in characters. PyPI sets none; a bound keeps file names and addresses within their own. */
export const MAX_NAME_LENGTH = 128;

const VALID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * Normalizes a project name as PEP 503 says, after checking it against the core metadata specification: ASCII letters,
 * digits, `.`, `-`, `_`, first and last a letter or digit.
 * @throws InvalidNameError
 */
export function normalizeName(name: string): ProjectName {
  if (name.length > MAX_NAME_LENGTH) throw new InvalidNameError(name, `longer than ${MAX_NAME_LENGTH} characters`);
  if (!VALID.test(name))
    throw new InvalidNameError(name, 'use ASCII letters, digits, and . - _ between them; begin and end with neither');
  const normalized = name.replace(/[-_.]+/g, '-').toLowerCase();
  if (!isNormalized(normalized)) throw new InvalidNameError(name, 'it has no normal form');
  return normalized;
}

/** The text as a name when it is one in its normal form; `undefined` otherwise. */
export function asProjectName(text: string): ProjectName | undefined {
  return text.length <= MAX_NAME_LENGTH && isNormalized(text) ? text : undefined;
}

/** Whether a name is its own normal form: what a canonical address of a project page has. */
function isNormalized(name: string): name is ProjectName {
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
}
