export type Command =
  | { readonly name: 'init'; readonly metadataDir: string; readonly rootFile: string }
  | { readonly name: 'refresh'; readonly metadataDir: string; readonly metadataUrl: string }
  | {
      readonly name: 'download';
      readonly metadataDir: string;
      readonly metadataUrl: string;
      readonly targetNames: readonly string[];
      readonly targetDir: string;
      readonly targetBaseUrl: string;
    };

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `tuf-client --metadata-dir DIR init ROOTFILE
tuf-client --metadata-url URL --metadata-dir DIR refresh
tuf-client --metadata-url URL --metadata-dir DIR --target-name PATH [--target-name PATH …]
           --target-dir DIR --target-base-url URL download`;

const OPTIONS: ReadonlySet<string> = new Set([
  '--metadata-dir',
  '--metadata-url',
  '--target-name',
  '--target-dir',
  '--target-base-url',
]);

/**
 * Options, then the command. What follows an option is its value, whatever it looks like: target names may begin with a
 * dash. @throws UsageError
 */
export function parseArguments(args: readonly string[]): Command {
  const { options, rest } = splitOptions(args);
  const [name, ...operands] = rest;
  const required = (option: string): string => {
    const value = options.get(option)?.at(-1);
    if (value === undefined || value === '') throw new UsageError(`${name} needs ${option}`);
    return value;
  };
  if (operands.length !== (name === 'init' ? 1 : 0)) throw new UsageError('a command has the wrong number of operands');
  switch (name) {
    case 'init':
      return { name, metadataDir: required('--metadata-dir'), rootFile: operands[0] ?? '' };
    case 'refresh':
      return { name, metadataDir: required('--metadata-dir'), metadataUrl: required('--metadata-url') };
    case 'download':
      required('--target-name');
      return {
        name,
        metadataDir: required('--metadata-dir'),
        metadataUrl: required('--metadata-url'),
        targetNames: options.get('--target-name') ?? [],
        targetDir: required('--target-dir'),
        targetBaseUrl: required('--target-base-url'),
      };
    case undefined:
      throw new UsageError('a command is missing');
    default:
      throw new UsageError(`there is no command ${name}`);
  }
}

function splitOptions(args: readonly string[]): { options: Map<string, string[]>; rest: readonly string[] } {
  const options = new Map<string, string[]>();
  let index = 0;
  for (let argument = args[0]; argument?.startsWith('--') === true; argument = args[index]) {
    const [, name = '', inline] = /^(--[^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    const value = inline ?? args[index + 1];
    if (!OPTIONS.has(name)) throw new UsageError(`there is no option ${name}`);
    if (value === undefined) throw new UsageError(`${name} needs a value`);
    options.set(name, [...(options.get(name) ?? []), value]);
    index += inline === undefined ? 2 : 1;
  }
  return { options, rest: args.slice(index) };
}
