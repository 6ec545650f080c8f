import { parseDistributionFilename } from '@holdfast/python-index';
import type { Identity } from '../accounts/accounts.ts';
import { NotYourProjectError, ProjectFullError } from '../errors.ts';
import type { ServedIndex } from '../http/served-index.ts';
import type { UploadLimits } from './limits.ts';
import { type Admission, tooLarge } from './receive.ts';

/**
 * Decides, when a file begins to arrive, whether it may and how large it may be: its name must be one, the token must be
 * good for the project, the project must have room. Publishing decides all of it again, in order with every other
 * change; deciding it here first keeps hopeless uploads off the disk. The `sha256` is that of the file that has the name already.
 */
export async function admitFile(
  index: ServedIndex,
  identity: Identity,
  filename: string,
  limits: UploadLimits,
): Promise<Admission & { readonly sha256: string | undefined }> {
  const { project } = parseDistributionFilename(filename);
  if (!(await index.accounts.mayPublish(identity, project))) throw new NotYourProjectError(project, identity.account);
  const { sha256, projectBytes } = await index.catalog.before(project, filename);
  // Sent again, a file takes no more room: an uploader that lost the answer must be able to ask again.
  const used = sha256 === undefined ? projectBytes : 0;
  const room = limits.projectBytes - used;
  if (room <= 0) throw new ProjectFullError(project, limits.projectBytes);
  return room < limits.fileBytes
    ? { sha256, bytes: room, exceeded: () => new ProjectFullError(project, limits.projectBytes) }
    : { sha256, bytes: limits.fileBytes, exceeded: () => tooLarge(`The file ${filename}`, limits.fileBytes) };
}
