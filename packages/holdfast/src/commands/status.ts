import {
  chooseIndex,
  DeveloperError,
  drawProject,
  findToken,
  IndexApi,
  listKeys,
  overviewJson,
  ProjectApi,
  type ProjectStatus,
} from '@holdfast/developer';
import { explain, holdfastHome, IndexClient, InstallerError } from '@holdfast/installer';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { readArguments, text } from '../arguments.ts';
import type { Command } from '../command.ts';
import { note, printJson } from '../terminal.ts';
import { tell } from './clients.ts';

export const status: Command = {
  name: 'status',
  usage: 'PROJECT [--index NAME] [--json]',
  summary: 'who signs for a project, until when, and what waits',
  details:
    'Who signs is read from verified metadata. What waits is what the index says; it shows that to members and holders of keys.',
  async run(args) {
    const declared = { index: { type: 'string' }, json: { type: 'boolean' } } as const;
    const { options, positionals } = readArguments(args, declared, ['PROJECT']);
    const project = normalizeName(positionals[0] ?? '');
    const home = holdfastHome();
    const { trusted, url } = await chooseIndex(home, text(options, 'index'));
    const client = await IndexClient.open({ home, name: trusted.name, onNotice: tell });
    try {
      const [signing, told, keys] = await Promise.all([
        client.signing(project),
        askIndex(home, url, project),
        listKeys(home),
      ]);
      const mine = new Set(keys.map(({ key }) => key.keyid));
      const overview = { signing, status: told, mine, now: new Date() };
      if (options.get('json') === true) printJson(overviewJson(overview));
      else process.stdout.write(drawProject(overview, { colour: process.stdout.isTTY && !process.env['NO_COLOR'] }));
      return 0;
    } finally {
      client.close();
    }
  },
};

/** What waits is worth knowing, but not needed. */
async function askIndex(home: string, url: string, project: ProjectName): Promise<ProjectStatus | undefined> {
  try {
    const token = await findToken(home, url);
    return await new ProjectApi(new IndexApi({ url, token }), project).status();
  } catch (error) {
    if (!(error instanceof DeveloperError || error instanceof InstallerError)) throw error;
    const why = error instanceof InstallerError ? explain(error).sentence : error.message;
    note(`What waits is not known: ${why}`);
    return undefined;
  }
}
