import { type Finding, isRemote, shown } from './finding.ts';

/** Options of pip and of uv that name a source. */
const SOURCES = new Set([
  '-i',
  '-f',
  '--index-url',
  '--extra-index-url',
  '--find-links',
  '--index',
  '--default-index',
  '--pypi-url',
]);
const FILES = new Set([
  '-r',
  '-c',
  '--requirement',
  '--requirements',
  '--constraint',
  '--constraints',
  '--override',
  '--overrides',
]);

export interface ScannedArguments {
  readonly findings: readonly Finding[];
  /** Requirements and constraints files that the arguments name. */
  readonly requirementFiles: readonly string[];
}

/** Looks through the arguments of pip or uv for sources of their own. An early warning: the proxy is what protects. */
export function scanArguments(args: readonly string[], kind: 'pip' | 'uv' | 'other'): ScannedArguments {
  const findings: Finding[] = [];
  const requirementFiles: string[] = [];
  const note = (found: Finding['kind'], what: string, value: string): void => {
    findings.push({ kind: found, where: 'the command line', what, value: shown(value) });
  };
  for (const { option, value } of optionsOf(args)) {
    // pip's option parser accepts unambiguous beginnings of long options.
    if (kind === 'pip' && option.startsWith('--prox')) note('unsafe', '--proxy', value);
    else if (option === '--isolated' && kind === 'pip') note('unsafe', '--isolated', 'pip ignores its environment');
    else if (FILES.has(option)) {
      if (isRemote(value)) note('blocked', option, value);
      else requirementFiles.push(value);
    } else if (SOURCES.has(option)) note(isRemote(value) ? 'blocked' : 'unverified', option, value);
    else if (option === '' && /(^|@\s*)(([a-z]+\+)?(https?|ssh|git):\/\/|git\+)/i.test(value)) {
      note('blocked', 'a direct address', value.replace(/^.*?@\s*(?=[a-z+]+:\/\/)/i, ''));
    } else if (option === '' && /\.(whl|tar\.gz|zip)$/i.test(value)) note('unverified', 'a local file', value);
  }
  return { findings, requirementFiles };
}

/** Splits `--option=value`, `--option value`, `-ovalue`; words without an option come with the empty option. */
function* optionsOf(args: readonly string[]): Generator<{ option: string; value: string }> {
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    const next = args[at + 1] ?? '';
    const [, long, value] = /^(--[a-z][a-z-]*)=(.*)$/s.exec(word) ?? [];
    const takesValue = SOURCES.has(word) || FILES.has(word) || word.startsWith('--prox');
    if (long !== undefined) yield { option: long, value: value ?? '' };
    else if (takesValue) {
      at++;
      yield { option: word, value: next };
    } else if (/^-[ifrc]./.test(word)) yield { option: word.slice(0, 2), value: word.slice(2) };
    else yield word.startsWith('-') ? { option: word, value: '' } : { option: '', value: word };
  }
}
