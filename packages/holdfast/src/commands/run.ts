import { holdfastHome, runThroughProxy, type ToolKind } from '@holdfast/installer';
import { type Command, UsageError } from '../command.ts';

/** Holdfast's own options come first; everything after them belongs to the tool. */
interface OwnOptions {
  index?: string;
  alsoIndexes: string[];
  allowUnverifiedHosts: string[];
}

const details = [
  '  --index NAME         the trusted index to use, when you trust more than one',
  '  --also-index NAME    a further trusted index; may be given more than once',
  '  --unsafe-allow-unverified-host HOST',
  '                       let this run fetch from HOST although nothing from there is verified',
].join('\n');

const options = '[--index NAME] [--also-index NAME]… [--unsafe-allow-unverified-host HOST]…';

export const pip = tool('pip', 'pip', 'run pip; it sees only verified files');
export const uv = tool('uv', 'uv', 'run uv; it sees only verified files');

export const runCommand: Command = {
  name: 'run',
  usage: `${options} -- COMMAND [ARGUMENT]…`,
  summary: 'run any command whose pip and uv see only verified files',
  details,
  run(args) {
    const { own, rest } = takeOwn(args);
    const command = rest[0] === '--' ? rest.slice(1) : rest;
    if (command.length === 0) throw new UsageError('COMMAND is missing: holdfast run -- COMMAND');
    return runTool(own, command, undefined);
  },
};

function tool(name: string, kind: ToolKind, summary: string): Command {
  return {
    name,
    usage: `${options} [ARGUMENT OF ${name.toUpperCase()}]…`,
    summary,
    details,
    run(args) {
      const { own, rest } = takeOwn(args);
      return runTool(own, [name, ...rest], kind);
    },
  };
}

function takeOwn(args: readonly string[]): { own: OwnOptions; rest: readonly string[] } {
  const own: OwnOptions = { alsoIndexes: [], allowUnverifiedHosts: [] };
  let at = 0;
  const value = (option: string): string => {
    const given = args[at + 1];
    if (given === undefined) throw new UsageError(`${option} needs a value`);
    at += 2;
    return given;
  };
  for (;;) {
    const option = args[at];
    if (option === '--index') own.index = value(option);
    else if (option === '--also-index') own.alsoIndexes.push(value(option));
    else if (option === '--unsafe-allow-unverified-host') own.allowUnverifiedHosts.push(value(option));
    else return { own, rest: args.slice(at) };
  }
}

function runTool(own: OwnOptions, command: readonly string[], kind: ToolKind | undefined): Promise<number> {
  return runThroughProxy({
    home: holdfastHome(),
    command,
    ...(kind !== undefined && { kind }),
    ...own,
    colour: process.stderr.isTTY && !process.env['NO_COLOR'],
  });
}
