import { parseDistributionFilename } from '@holdfast/python-index';
import type { Identity } from '../accounts/accounts.ts';
import type { FileBefore } from '../catalog.ts';
import { NotYourProjectError, ProjectFullError } from '../errors.ts';
import type { ServedIndex } from '../http/served-index.ts';
import type { UploadLimits } from './limits.ts';
import { type Admission, tooLarge } from './receive.ts';

/**
 * Decides, when a file begins to arrive, whether it may and how large it may be: its name must be one, the token must be
 * good for the project, the project must have room. Publishing decides all of it again, in order with every other
 * change; deciding it here first keeps hopeless uploads off the disk. `before` is what there is of the file already.
 */
export async function admitFile(
  index: ServedIndex,
  identity: Identity,
  filename: string,
  limits: UploadLimits,
): Promise<Admission & { readonly before: FileBefore }> {
  const { project } = parseDistributionFilename(filename);
  if (!(await index.accounts.mayPublish(identity, project, filename)))
    throw new NotYourProjectError(project, identity.account);
  const before = await index.catalog.before(project, filename);
  const { sha256, projectBytes } = before;
  // Sent again, a file takes no more room: an uploader that lost the answer must be able to ask again.
  const used = sha256 === undefined ? projectBytes : 0;
  const room = limits.projectBytes - used;
  if (room <= 0) throw new ProjectFullError(project, limits.projectBytes);
  return room < limits.fileBytes
    ? { before, bytes: room, exceeded: () => new ProjectFullError(project, limits.projectBytes) }
    : { before, bytes: limits.fileBytes, exceeded: () => tooLarge(`The file ${filename}`, limits.fileBytes) };
}
