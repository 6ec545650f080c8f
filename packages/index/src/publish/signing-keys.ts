import { KeyObject } from 'node:crypto';
import { modelOf, RECENTLY_CLAIMED, type SecurityModel, type TreeKeys, UNCLAIMED } from '@holdfast/trust';
import {
  envelopeBytes,
  type JsonObject,
  parseRoot,
  parseTargets,
  type RoleKeys,
  type Signer,
  signMetadata,
} from '@holdfast/tuf';
import { MetadataRefusedError, OnlineKeyError } from '../errors.ts';

/** Tops of the bin trees that the index signs by itself. */
export type OnlineTop = typeof RECENTLY_CLAIMED | typeof UNCLAIMED;
/** The roles that the index signs by itself; bins are signed as their top. */
export type OnlineRole = 'timestamp' | 'snapshot' | OnlineTop;

const ONLINE_TOPS: ReadonlySet<string> = new Set<OnlineTop>([RECENTLY_CLAIMED, UNCLAIMED]);

/** A private key as other threads can use it. */
export interface LocalKey {
  readonly keyid: string;
  readonly scheme: string;
  readonly privateKey: KeyObject;
}

interface RoleSigners {
  readonly signers: readonly Signer[];
  readonly roleKeys: RoleKeys;
}

/** Which of the index's keys sign which role, as root and targets say. */
export class SigningKeys {
  readonly model: SecurityModel;
  readonly #roles: ReadonlyMap<OnlineRole, RoleSigners>;

  private constructor(model: SecurityModel, roles: ReadonlyMap<OnlineRole, RoleSigners>) {
    this.model = model;
    this.#roles = roles;
  }

  /**
   * @throws OnlineKeyError when the signers at hand do not reach the threshold of an online role
   * @throws MetadataRefusedError when targets does not make one of the three models
   */
  static from(root: Uint8Array, targets: Uint8Array, signers: readonly Signer[]): SigningKeys {
    const topLevel = parseRoot(root).signed.roles;
    const { signed } = parseTargets(targets);
    const model = modelOf(signed);
    if (!model) throw new MetadataRefusedError('targets', 'its delegations are those of none of the security models');
    const delegated = signed.delegations?.roles.filter(({ name }) => ONLINE_TOPS.has(name)) ?? [];
    const roles = new Map<OnlineRole, RoleSigners>();
    for (const [role, roleKeys] of [
      ['timestamp', topLevel.get('timestamp')],
      ['snapshot', topLevel.get('snapshot')],
      ...delegated.map(({ name, keyids, threshold }) => [name as OnlineTop, { keyids, threshold }] as const),
    ] as const) {
      const own = signers.filter(({ key }) => roleKeys?.keyids.includes(key.keyid));
      if (!roleKeys || own.length < roleKeys.threshold) throw new OnlineKeyError(role);
      roles.set(role, { signers: own, roleKeys });
    }
    return new SigningKeys(model, roles);
  }

  /** The bin trees that the index signs, in the order of trust. */
  get tops(): readonly OnlineTop[] {
    return [RECENTLY_CLAIMED, UNCLAIMED].filter((top): top is OnlineTop => this.#roles.has(top as OnlineTop));
  }

  /** Whether what these keys signed as `role` is good under `other` too, and the other way round. */
  signAlike(role: OnlineRole, other: SigningKeys): boolean {
    const [own, others] = [this.#roles.get(role)?.roleKeys, other.#roles.get(role)?.roleKeys];
    if (!own || !others) return own === others;
    const same = own.keyids.length === others.keyids.length && own.keyids.every((id) => others.keyids.includes(id));
    return same && own.threshold === others.threshold;
  }

  sign(role: OnlineRole, signed: JsonObject): Promise<Uint8Array> {
    return signMetadata(signed, this.#of(role).signers);
  }

  /** The file around the canonical form of its signed part, which has no control characters. */
  async signCanonical(role: OnlineRole, signed: Uint8Array): Promise<Uint8Array> {
    const made = this.#of(role).signers.map(async (signer) => {
      return { keyid: signer.key.keyid, sig: Buffer.from(await signer.sign(signed)).toString('hex') };
    });
    return envelopeBytes(signed, await Promise.all(made));
  }

  /** The private keys for a role, when all of them are in this process: other threads may sign with them as well. */
  local(role: OnlineRole): readonly LocalKey[] {
    const { signers } = this.#of(role);
    const keys = signers.flatMap((signer) =>
      'privateKey' in signer && signer.privateKey instanceof KeyObject
        ? [{ keyid: signer.key.keyid, scheme: signer.key.scheme, privateKey: signer.privateKey }]
        : [],
    );
    return keys.length === signers.length ? keys : [];
  }

  /** What a branch of the bin tree says about the keys of its children. */
  delegation(role: OnlineRole): TreeKeys {
    const { roleKeys, signers } = this.#of(role);
    const keys = new Map(signers.map(({ key }) => [key.keyid, key]));
    return { roleKeys: { keyids: [...keys.keys()], threshold: roleKeys.threshold }, keys };
  }

  #of(role: OnlineRole): RoleSigners {
    const found = this.#roles.get(role);
    if (!found) throw new OnlineKeyError(role);
    return found;
  }
}
