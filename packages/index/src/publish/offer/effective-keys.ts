import { type ProjectDelegation, rotationRole } from '@holdfast/trust';
import { isRevocation, parseRotation, type PublicKey, verifySignatures } from '@holdfast/tuf';
import type { Kysely } from 'kysely';
import { MetadataRefusedError } from '../../errors.ts';
import type { Database } from '../../records/schema.ts';
import type { RoleTable } from '../role-table.ts';
import { refusing } from './verified-roles.ts';

/** Who signs a role: as it is delegated, and with all published rotate files after that (TAP 8). */
export interface EffectiveKeys {
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly threshold: number;
  readonly rotations: number;
  readonly revoked: boolean;
}

/** @throws MetadataRefusedError when the delegation's keys did not sign the rotate files that clients would follow from it */
export async function effectiveKeys(
  { role, keys, threshold }: ProjectDelegation,
  db: Kysely<Database>,
  table: Pick<RoleTable, 'version'>,
  retired: ReadonlySet<string>,
): Promise<EffectiveKeys> {
  let now: EffectiveKeys = {
    keys: new Map(keys.map((key) => [key.keyid, key])),
    threshold,
    rotations: 0,
    revoked: false,
  };
  while (!now.revoked) {
    const entry = rotationRole(role, now.rotations + 1);
    if (table.version(entry) === undefined || retired.has(entry)) break;
    const { bytes } = await db
      .selectFrom('offline_roles')
      .select('bytes')
      .where('role', '=', entry)
      .executeTakeFirstOrThrow();
    now = await next(now, role, bytes);
  }
  return now;
}

function next(before: EffectiveKeys, role: string, bytes: Uint8Array): Promise<EffectiveKeys> {
  return refusing(role, async () => {
    const rotation = parseRotation(bytes);
    const { keys, threshold, version } = rotation.signed;
    const holders = { keyids: [...before.keys.keys()], threshold: before.threshold };
    await verifySignatures(rotation, before.keys, holders, role);
    if (version !== before.rotations + 1)
      throw new MetadataRefusedError(role, `its rotate file ${before.rotations + 1} has another number`);
    return { keys, threshold, rotations: version, revoked: isRevocation(rotation.signed) };
  });
}
