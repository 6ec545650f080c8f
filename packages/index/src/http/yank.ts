import {
  type ProjectName,
  type ProjectPage,
  compareVersions,
  parseFilenameOf,
  parseVersion,
} from '@holdfast/python-index';
import * as z from 'zod';
import type { Identity } from '../accounts/accounts.ts';
import { NotYourProjectError, ProjectUnknownError } from '../errors.ts';
import { HttpError } from './http-error.ts';
import { parsedBody } from './json-body.ts';
import type { ServedIndex } from './served-index.ts';

/** The body of `POST /api/v1/projects/{project}/yank`: a whole release, or some of its files. */
const YankRequest = z
  .strictObject({
    version: z.string().min(1).max(128).optional(),
    filenames: z.array(z.string().min(1).max(255)).min(1).max(1000).optional(),
    yanked: z.boolean(),
    reason: z.string().trim().min(1).max(500).optional(),
  })
  .refine(({ version, filenames }) => (version === undefined) !== (filenames === undefined), {
    message: 'give either "version" or "filenames"',
  })
  .refine(({ yanked, reason }) => yanked || reason === undefined, { message: 'a reason is for yanking only' });

/** What was done. */
export interface YankOutcome {
  readonly project: ProjectName;
  readonly filenames: readonly string[];
  readonly yanked: boolean | string;
  readonly timestamp_version: number;
}

/** Yanks or unyanks (PEP 592). When it resolves, the change is in signed metadata. */
export async function yank(
  index: ServedIndex,
  identity: Identity,
  project: ProjectName,
  body: unknown,
): Promise<YankOutcome> {
  const { version, filenames = [], yanked, reason } = parsedBody(YankRequest, body);
  const page = await index.catalog.projectPage(project);
  if (page === undefined) throw new ProjectUnknownError(project);
  if (!(await index.accounts.mayPublish(identity, project))) throw new NotYourProjectError(project, identity.account);
  const chosen = version === undefined ? filenames : filesOf(page, version);
  const mark = yanked ? (reason ?? true) : false;
  const { timestampVersion } = await index.publisher.setYanked(project, chosen, mark);
  return { project, filenames: chosen, yanked: mark, timestamp_version: timestampVersion };
}

function filesOf(page: ProjectPage, version: string): string[] {
  const wanted = parseVersion(version);
  const names = page.files.map(({ filename }) => filename);
  const chosen = names.filter((name) => compareVersions(parseFilenameOf(page.name, name).version, wanted) === 0);
  if (chosen.length > 0) return chosen;
  const message = `${page.name} has no release ${wanted.normalized} on this index.`;
  throw new HttpError({ status: 404, code: 'RELEASE_UNKNOWN', message });
}
