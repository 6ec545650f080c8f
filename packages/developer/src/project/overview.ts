import type { ProjectSigning, SigningRole } from '@holdfast/installer';
import { delegationOf, shownPatterns } from './coverage.ts';
import type { ProjectStatus } from './project-status.ts';

/** Who signs what of a project, what waits, and what expires when: verified metadata, with what the index says that waits. */
export interface Overview {
  readonly signing: ProjectSigning;
  /** `undefined` when the index was not asked, or gave no answer. */
  readonly status: ProjectStatus | undefined;
  /** Keyids of keys that this computer knows. */
  readonly mine: ReadonlySet<string>;
  readonly now: Date;
}

/** The same for programs. */
export function overviewJson({ signing, status, mine, now }: Overview): object {
  return {
    project: signing.name,
    index: signing.index,
    standing: signing.standing,
    model: signing.model ?? null,
    timestamp_version: signing.timestampVersion,
    next_signing: status?.nextSigning?.toISOString() ?? null,
    claim_waits: status?.claimWaits ?? null,
    roles: signing.roles.map((role) => roleJson(signing, role, mine)),
    files: signing.files.map(({ filename, sha256, size, yanked, voucher }) => ({
      filename,
      sha256,
      size,
      yanked: yanked ?? false,
      role: voucher.chain.at(-1),
    })),
    staged: (status?.staged ?? []).map(({ filename, sha256, size, account, uploadTime }) => ({
      filename,
      sha256,
      size,
      account,
      upload_time: uploadTime.toISOString(),
    })),
    waiting: (status?.transactions ?? []).map(({ id, account, recordedAt, waitsUntil, waiting }) => ({
      id: id ?? null,
      account,
      recorded_at: recordedAt.toISOString(),
      waits_until: waitsUntil?.toISOString() ?? null,
      parts: Object.fromEntries([...waiting].map(([name, lack]) => [name, lack])),
    })),
    looked_at: now.toISOString(),
  };
}

function roleJson(signing: ProjectSigning, role: SigningRole, mine: ReadonlySet<string>): object {
  const { signed } = role;
  return {
    role: role.role,
    paths: shownPatterns(delegationOf(signing, role)),
    keys: [...role.keys.keys()].map((keyid) => ({ keyid, yours: mine.has(keyid) })),
    threshold: role.threshold,
    rotations: role.rotations,
    version: signed?.version ?? null,
    expires: signed?.expires.toISOString() ?? null,
    expired: role.expired,
    revoked: role.revoked,
    signed_by: signed?.signedBy ?? [],
    files: signed?.targets.size ?? 0,
  };
}
