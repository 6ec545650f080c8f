import { findTrust, holdfastHome, listTrust, readTrustedRoot } from '@holdfast/installer';
import { readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import type { Finding, Verdict } from '../doctor/finding.ts';
import { paint, print, printJson } from '../terminal.ts';

export const doctor: Command = {
  name: 'doctor',
  usage: 'URL… | --index NAME [--json]',
  summary: 'check an index from the outside, as its users see it',
  details: [
    '  URL           the first is examined; further ones are mirrors of it',
    '  --index NAME  an index that you trust, at all of its addresses',
    'An address that you do not trust yet is judged by the root that it shows, which is marked as FIRST USE.',
    'Exit code 1 when something fails; warnings alone are 0.',
  ].join('\n'),
  async run(args) {
    const { options, positionals } = readArguments(
      args,
      { index: { type: 'string' }, json: { type: 'boolean' } },
      names(args),
    );
    const { urls, root } = await subject(positionals, text(options, 'index'));
    const json = options.get('json') === true;
    const { examine } = await import('../doctor/examine.ts');
    const findings = await examine({ urls, root, clock: () => new Date() }, json ? () => {} : show);
    if (json) printJson(findings);
    return findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
  },
};

/** Addresses are needed unless an index is named. */
function names(args: readonly string[]): string[] {
  return args.some((arg) => arg === '--index' || arg.startsWith('--index=')) ? [] : ['URL…'];
}

async function subject(
  given: readonly string[],
  name: string | undefined,
): Promise<{ urls: readonly string[]; root: Uint8Array | undefined }> {
  const home = holdfastHome();
  if (name !== undefined) {
    const trusted = await findTrust(home, name);
    return { urls: trusted.urls, root: await readTrustedRoot(trusted) };
  }
  const urls = given.map(address);
  const known = (await listTrust(home)).find((trusted) => trusted.urls.some((url) => url === urls[0]));
  return { urls, root: known && (await readTrustedRoot(known)) };
}

function address(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`"${given}" is not an http or https address`);
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: paint('green', 'ok  '),
  warn: paint('yellow', 'warn'),
  fail: paint('red', 'FAIL'),
};

function show({ check, verdict, detail, remedy }: Finding): void {
  print(`${MARKS[verdict]}  ${check.padEnd(19)}  ${detail}`);
  if (remedy !== undefined) print(`${' '.repeat(27)}${remedy}`);
}
