import type { IndexClient, SigningRole } from '@holdfast/installer';
import type { ProjectName } from '@holdfast/python-index';
import type { Signer } from '@holdfast/tuf';
import type { IndexApi } from '../account/index-api.ts';
import { ProjectApi } from './project-api.ts';

/** What a developer works with: verified metadata of an index to look at, its API to send to, and a key to sign with. */
export interface Workbench {
  readonly client: IndexClient;
  readonly api: IndexApi;
  readonly account: string;
  /** What names the index for ever: lower-case hex SHA-256 of its first root, found out by verifying. */
  readonly index: string;
  /** Opened when something is to be signed for the first time: it may ask for a passphrase. */
  readonly signer: () => Promise<Signer>;
  /** A further key of this person, if it is at hand. */
  readonly otherSigner?: (keyid: string) => Promise<Signer | undefined>;
  /** The same, unless somebody would have to be asked for it. */
  readonly quietSigner?: (keyid: string) => Promise<Signer | undefined>;
  readonly now: () => Date;
}

/**
 * Who signs the next version of a role: the chosen key, and those at hand that its delegation still names. Clients that know no rotate
 * files (TAP 8) believe it then as well, until operators have written the new keys down.
 */
export async function signersOf(
  { quietSigner }: Workbench,
  { former }: Pick<SigningRole, 'former'>,
  signer: Signer,
): Promise<readonly Signer[]> {
  const others = await Promise.all(former.map(async (keyid) => quietSigner?.(keyid)));
  return [signer, ...others.filter((other) => other !== undefined)];
}

export function projectApi({ api }: Pick<Workbench, 'api'>, project: ProjectName): ProjectApi {
  return new ProjectApi(api, project);
}
