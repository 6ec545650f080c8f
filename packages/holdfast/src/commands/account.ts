import { type Accounts, openAccounts } from '@holdfast/index';
import { normalizeName } from '@holdfast/python-index';
import { readArguments, text } from '../arguments.ts';
import { type Command, UsageError } from '../command.ts';
import { note, print, printJson } from '../terminal.ts';

export const accountCreate: Command = {
  name: 'account create',
  usage: 'DIRECTORY NAME',
  summary: 'let somebody publish to an index',
  async run(args) {
    const [directory = '', name = ''] = readArguments(args, {}, ['DIRECTORY', 'NAME']).positionals;
    return withAccounts(directory, async (accounts) => {
      await accounts.createAccount(name);
      note(`The account ${name} exists. A token for it: holdfast token create ${directory} ${name}`);
      return 0;
    });
  },
};

export const tokenCreate: Command = {
  name: 'token create',
  usage: 'DIRECTORY ACCOUNT [--project PROJECT] [--label TEXT]',
  summary: 'make an API token for uploads; it is shown once',
  details: '  --project PROJECT   good for this project only: what a build server should have',
  async run(args) {
    const { options, positionals } = readArguments(args, { project: { type: 'string' }, label: { type: 'string' } }, [
      'DIRECTORY',
      'ACCOUNT',
    ]);
    const [directory = '', account = ''] = positionals;
    const project = text(options, 'project');
    return withAccounts(directory, async (accounts) => {
      const { id, token } = await accounts.createToken({
        account,
        project: project === undefined ? undefined : normalizeName(project),
        label: text(options, 'label') ?? '',
      });
      print(token);
      note(
        `This is token ${id}. It is not shown again. Upload with the user name __token__ and the token as password.`,
      );
      return 0;
    });
  },
};

export const tokenList: Command = {
  name: 'token list',
  usage: 'DIRECTORY [--json]',
  summary: 'the tokens of an index',
  async run(args) {
    const { options, positionals } = readArguments(args, { json: { type: 'boolean' } }, ['DIRECTORY']);
    return withAccounts(positionals[0] ?? '', async (accounts) => {
      const tokens = await accounts.listTokens();
      if (options.get('json') === true) {
        printJson(tokens);
        return 0;
      }
      for (const { id, account, project, label, createdAt, revokedAt } of tokens) {
        const state = revokedAt === undefined ? 'valid' : `revoked ${revokedAt.toISOString()}`;
        print([id, account, project ?? 'every project', createdAt.toISOString(), state, label].join('  '));
      }
      return 0;
    });
  },
};

export const tokenRevoke: Command = {
  name: 'token revoke',
  usage: 'DIRECTORY ID',
  summary: 'make a token worthless, at once',
  async run(args) {
    const [directory = '', id = ''] = readArguments(args, {}, ['DIRECTORY', 'ID']).positionals;
    return withAccounts(directory, async (accounts) => {
      if (!(await accounts.revokeToken(id))) throw new UsageError(`there is no valid token ${id}`);
      note(`Token ${id} is worthless now.`);
      return 0;
    });
  },
};

/** Opens the accounts of an index for one command, also while the index is served. */
async function withAccounts(directory: string, use: (accounts: Accounts) => Promise<number>): Promise<number> {
  const opened = await openAccounts(directory);
  try {
    return await use(opened.accounts);
  } finally {
    await opened.close();
  }
}
