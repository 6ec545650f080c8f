import type { ProjectName } from '@holdfast/python-index';
import { modelOf, parseProjectRole, projectDirectory, type SecurityModel, type Top, TOPS } from '@holdfast/trust';
import {
  type Delegations,
  ExpiredError,
  MissingMetadataError,
  type PublicKey,
  type RoleInfo,
  RoleRevokedError,
  RollbackError,
  type RolesInfo,
  type TargetFile,
  type TargetInfo,
  type TufError,
  type Updater,
} from '@holdfast/tuf';
import type { VerifiedDistribution } from './verified-project.ts';

/** A project role as it was last signed. */
export interface SignedRole {
  readonly version: number;
  readonly expires: Date;
  /** By target path: also what no delegation covers, and no installer would find. */
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
  /** Keyids whose signatures count. */
  readonly signedBy: readonly string[];
  /** The whole metadata file. */
  readonly bytes: Uint8Array;
}

/** A role of a project's developers: the project's own, or one that it delegates to. */
export interface SigningRole {
  readonly role: string;
  /** Role names from `targets` down to this one. */
  readonly chain: readonly string[];
  /** Who may sign its next version, with all its rotations. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
  /** Rotate files so far (TAP 8). */
  readonly rotations: number;
  /** Keyids that its delegation still names although rotations replaced them: clients that know no rotate files ask for these. */
  readonly former: readonly string[];
  /** Its newest version, expired or not; `undefined` when nobody has signed it yet, or it was revoked. */
  readonly signed: SignedRole | undefined;
  /** It has expired, so installers refuse what it lists. */
  readonly expired: boolean;
  /** Its holders revoked it (TAP 20). */
  readonly revoked: boolean;
}

/** Who signs for a project and what they signed: verified metadata, with what installers refuse for its age or a revocation. */
export interface ProjectSigning {
  readonly index: string;
  readonly name: ProjectName;
  /** The top that answers for the project; `none` when none lists anything of it. */
  readonly standing: Top | 'none';
  /** How much of the index only offline keys or developers can change; `undefined` for an index that is none of ours. */
  readonly model: SecurityModel | undefined;
  /** The project's own role first; none when it is not claimed. */
  readonly roles: readonly SigningRole[];
  /** What installers find, or found before a role expired; nothing when the project's role was revoked. */
  readonly files: readonly VerifiedDistribution[];
  /** Of the timestamp under which this was verified. */
  readonly timestampVersion: number;
}

export interface SigningSource {
  readonly index: string;
  readonly now: Date;
  readonly updater: Updater;
  /** A client of the same index whose clock stands at an earlier time. */
  readonly earlier: (at: Date) => Promise<Updater>;
  readonly decode: (info: TargetInfo) => VerifiedDistribution | undefined;
}

/** Each round finds roles that expired before those of the round before. */
const MAX_ROUNDS = 8;
const SECOND_MS = 1000;

/**
 * Reads what the index's verified metadata says of a project's roles. A role that expired is read as of the second before it
 * did, from the newest timestamp: everything else of it is verified as ever.
 * @throws TufError for a role that is refused for another reason, or when it is not a project's
 */
export async function readSigning(name: ProjectName, source: SigningSource): Promise<ProjectSigning> {
  const directory = projectDirectory(name);
  let updater = source.updater;
  let found = await updater.rolesIn(directory);
  const newest = found.timestampVersion;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const expired = found.roles.flatMap(({ refused }) => (refused instanceof ExpiredError ? [refused.expires] : []));
    if (expired.length === 0) break;
    checkOwn(name, found);
    updater = await source.earlier(new Date(Math.min(...expired.map(Number)) - SECOND_MS));
    found = await updater.rolesIn(directory);
    if (found.timestampVersion < newest) throw new RollbackError('timestamp', newest, found.timestampVersion);
  }
  checkOwn(name, found);
  const own = found.roles.filter(({ role }) => isOwn(name, role));
  const infos = own.some(({ refused }) => refused instanceof RoleRevokedError)
    ? []
    : await updater.targetsIn(directory);
  const files = infos.map(source.decode).filter((file) => file !== undefined);
  return {
    index: source.index,
    name,
    model: modelOfFound(found),
    standing: standingOf([...own.map(({ chain }) => chain), ...files.map(({ voucher }) => voucher.chain)]),
    roles: own.map((info) => signingRole(info, found, source.now)),
    files,
    timestampVersion: found.timestampVersion,
  };
}

const isOwn = (name: ProjectName, role: string): boolean => parseProjectRole(role)?.project === name;

/**
 * What installers would refuse for the index's sake is refused here too: else a project whose claim cannot be read would look
 * unclaimed.
 */
function checkOwn(name: ProjectName, { roles }: RolesInfo): void {
  for (const { role, refused } of roles) {
    if (refused !== undefined && !(isOwn(name, role) && isBearable(refused))) throw refused;
  }
}

const isBearable = (refused: TufError): boolean =>
  refused instanceof ExpiredError || refused instanceof RoleRevokedError || refused instanceof MissingMetadataError;

function modelOfFound({ roles: [targets] }: RolesInfo): SecurityModel | undefined {
  const signed = targets?.verified?.metadata.signed;
  return signed && modelOf(signed);
}

function standingOf(chains: readonly (readonly string[])[]): Top | 'none' {
  const [, first] = chains[0] ?? [];
  return TOPS.find((top) => top === first) ?? 'none';
}

function delegatedKeyids({ roles }: RolesInfo, parent: string, role: string): readonly string[] {
  const above = roles.find((each) => each.role === parent)?.verified?.metadata.signed;
  return above?.delegations?.roles.find(({ name }) => name === role)?.keyids ?? [];
}

function signingRole(
  { role, parent, chain, holders, verified, refused }: RoleInfo,
  found: RolesInfo,
  now: Date,
): SigningRole {
  const { keys, roleKeys, version, revoked } = holders;
  const listed = [...keys].filter(([keyid]) => roleKeys.keyids.includes(keyid));
  const signed = verified && {
    version: verified.metadata.signed.version,
    expires: verified.metadata.signed.expires,
    targets: verified.metadata.signed.targets,
    delegations: verified.metadata.signed.delegations,
    signedBy: verified.keyids,
    bytes: verified.metadata.bytes,
  };
  const expired = signed === undefined ? refused instanceof ExpiredError : signed.expires <= now;
  return {
    role,
    chain,
    keys: new Map(listed),
    threshold: roleKeys.threshold,
    rotations: version,
    former: delegatedKeyids(found, parent, role).filter((keyid) => !roleKeys.keyids.includes(keyid)),
    signed,
    expired,
    revoked,
  };
}
