import { readFile, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type Finding, isRemote, shown } from './finding.ts';

const MAX_FILES = 100;
const MAX_BYTES = 4 << 20;

/** Looks through requirements and constraints files, and through those that they include, for sources of their own. */
export async function scanRequirementFiles(paths: readonly string[], directory: string): Promise<Finding[]> {
  const queue = paths.map((path) => resolve(directory, path));
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (let path = queue.shift(); path !== undefined && seen.size < MAX_FILES; path = queue.shift()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { found, includes } = scanRequirements(await readSmall(path), relative(directory, path));
    findings.push(...found);
    queue.push(...includes.map((include) => resolve(dirname(path ?? directory), include)));
  }
  return findings;
}

/** A file that is missing or enormous is left to the tool, which says so better. */
export async function readSmall(path: string): Promise<string> {
  try {
    return (await stat(path)).size > MAX_BYTES ? '' : await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

/** Options of requirements files that name a source, as pip and uv read them. */
const SOURCE = /^(-i|--index-url|--extra-index-url|-f|--find-links|--pypi-url)(?:\s*=\s*|\s+|(?<=^-[if]))(\S+)/;
const INCLUDE = /^(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=^-[rc]))(\S+)/;
const EDITABLE = /^(?:-e|--editable)(?:\s*=\s*|\s+)(\S+)/;

/** The sources that one requirements file names, and the files that it includes. */
export function scanRequirements(text: string, name: string): { found: Finding[]; includes: string[] } {
  const found: Finding[] = [];
  const includes: string[] = [];
  for (const { line, number } of logicalLines(text)) {
    const where = `${name} line ${number}`;
    const note = (what: string, value: string): void => {
      found.push({ kind: isRemote(value) ? 'blocked' : 'unverified', where, what, value: shown(unquote(value)) });
    };
    const [, option, source] = SOURCE.exec(line) ?? [];
    const [, , include] = INCLUDE.exec(line) ?? [];
    if (option !== undefined && source !== undefined) note(option, unquote(source));
    else if (include === undefined) scanRequirement(line, note);
    else if (isRemote(include)) note('an included file', include);
    else includes.push(unquote(include));
  }
  return { found, includes };
}

function scanRequirement(line: string, note: (what: string, value: string) => void): void {
  const editable = EDITABLE.exec(line)?.[1];
  const reference = editable ?? /\s@\s*(\S+)/.exec(line)?.[1] ?? /^[\w.-]+(?:\[[^\]]*\])?@(\S+)/.exec(line)?.[1];
  const [requirement = ''] = line.split(/\s/, 1);
  if (reference !== undefined && isRemote(reference)) note('a direct address', reference);
  else if (isRemote(requirement)) note('a direct address', requirement);
}

/** Lines with their continuations, without comments, as pip joins them. */
function* logicalLines(text: string): Generator<{ line: string; number: number }> {
  let joined = '';
  let start = 1;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    if (joined === '') start = at + 1;
    if (raw.endsWith('\\')) {
      joined += raw.slice(0, -1);
      continue;
    }
    const line = (joined + raw).replace(/(^|\s)#.*$/, '').trim();
    joined = '';
    if (line !== '') yield { line, number: start };
  }
}

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/, '$2');
