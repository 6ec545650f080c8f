import { equalBytes, fromHex } from './bytes.ts';
import { KeyError, UnsignedMetadataError } from './errors.ts';
import { canonicalize } from './json/canonical.ts';
import { parseJson } from './json/parse.ts';
import { verifyKeyOf } from './keys/verify-key.ts';
import type { Metadata, PublicKey, RoleKeys } from './model.ts';

/** What {@link checkSignatures} found of one role's signatures. */
export interface SignatureCheck {
  /** Keyids of the role whose signature is valid. */
  readonly keyids: readonly string[];
  /** How many different keys these are, by key material: what a threshold counts (TAP 12). */
  readonly valid: number;
  /** Why another keyid of the role does not count. */
  readonly problems: ReadonlyMap<string, string>;
}

/** Checks every signature that the role's keys could have made; throws only for what is not JSON. */
export async function checkSignatures(
  metadata: Metadata<unknown>,
  keys: ReadonlyMap<string, PublicKey>,
  role: RoleKeys,
): Promise<SignatureCheck> {
  const payload = new Payload(metadata.signedBytes);
  const signatures = new Map(metadata.signatures.map(({ keyid, sig }) => [keyid, sig]));
  const materials = new Set<string>();
  const keyids: string[] = [];
  const problems = new Map<string, string>();
  for (const keyid of role.keyids) {
    const outcome = await checkOne(payload, keys.get(keyid), signatures.get(keyid));
    if ('problem' in outcome) {
      problems.set(keyid, outcome.problem);
    } else {
      keyids.push(keyid);
      materials.add(outcome.material);
    }
  }
  return { keyids, valid: materials.size, problems };
}

/**
 * How many different keys of the role signed (§4.2.1: a threshold of unique keys).
 * The signed part is verified as received first, and in canonical form only if that fails.
 * @throws UnsignedMetadataError below the threshold
 */
export async function verifySignatures(
  metadata: Metadata<unknown>,
  keys: ReadonlyMap<string, PublicKey>,
  role: RoleKeys,
  roleName = 'metadata',
): Promise<number> {
  const { valid, problems } = await checkSignatures(metadata, keys, role);
  if (valid < role.threshold) throw new UnsignedMetadataError(roleName, role.threshold, valid, problems);
  return valid;
}

type Outcome = { readonly material: string } | { readonly problem: string };

async function checkOne(payload: Payload, key: PublicKey | undefined, sig: string | undefined): Promise<Outcome> {
  if (key === undefined) return { problem: 'no such key is listed' };
  if (sig === undefined || sig === '') return { problem: 'has not signed' };
  const signature = fromHex(sig);
  if (signature === undefined) return { problem: 'its signature is not hexadecimal' };
  try {
    const { material, verify } = await verifyKeyOf(key);
    if (await verify(payload.received, signature)) return { material };
    const canonical = payload.canonical();
    if (canonical !== undefined && (await verify(canonical, signature))) return { material };
    return { problem: 'its signature is for other content' };
  } catch (error) {
    if (error instanceof KeyError) return { problem: error.message };
    throw error;
  }
}

/** The bytes a signature may be over; the canonical form is made at most once per file, whatever the number of keys. */
class Payload {
  readonly received: Uint8Array;
  private made: { readonly bytes: Uint8Array | undefined } | undefined;

  constructor(received: Uint8Array) {
    this.received = received;
  }

  /** `undefined` when it is the same as what was received. */
  canonical(): Uint8Array | undefined {
    if (this.made === undefined) {
      const bytes = canonicalize(parseJson(this.received));
      this.made = { bytes: equalBytes(bytes, this.received) ? undefined : bytes };
    }
    return this.made.bytes;
  }
}
