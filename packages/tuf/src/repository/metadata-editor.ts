import { equalBytes } from '../bytes.ts';
import { FormatError } from '../errors.ts';
import { encodeJson } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import { SPEC_VERSION } from '../build.ts';
import { formatExpires } from '../parse/common.ts';

/** What a new version of metadata is to have besides its content; what is left out is chosen when it is built. */
export interface VersionWish {
  /** Instead of the number that follows. */
  readonly version?: number;
  /** Instead of the lifetime that the repository gives to the role. */
  readonly expires?: Date;
}

/** The version and the expiry that the next version of a role is to have. */
export class NextVersion {
  private wished: VersionWish = {};

  /** When the next version expires; without this, after the lifetime that the repository gives to the role. */
  setExpires(expires: Date): void {
    this.wished = { ...this.wished, expires };
  }

  /**
   * The number of the next version instead of the one that follows: a higher one to pass by files that stand in the way, a
   * lower one only to recover from a fast-forward attack (§5.3.11).
   */
  setVersion(version: number): void {
    this.wished = { ...this.wished, version };
  }

  /** What was asked for so far. */
  get wish(): VersionWish {
    return this.wished;
  }
}

/**
 * The `signed` part of metadata, edited as JSON, so that members which this package does not know survive. A new version
 * comes out when something changed, or when a version or an expiry was asked for.
 */
export class MetadataEditor extends NextVersion {
  protected readonly members: Map<string, JsonValue>;
  private readonly signedBytes: Uint8Array | undefined;
  private readonly ownMembers: ReadonlySet<string>;

  /** @param signedBytes of the version that is edited; `undefined` for metadata that is to be made */
  constructor(type: string, signedBytes: Uint8Array | undefined, blank: Readonly<Record<string, JsonValue>> = {}) {
    super();
    const parsed = signedBytes === undefined ? undefined : parseJson(signedBytes);
    const start: JsonObject = isJsonObject(parsed)
      ? parsed
      : new Map(Object.entries({ _type: type, spec_version: SPEC_VERSION, ...blank }));
    this.members = new Map(start);
    this.signedBytes = signedBytes;
    this.ownMembers = new Set(['_type', 'spec_version', 'version', 'expires', ...Object.keys(blank)]);
  }

  /** A member of `signed` that the specification does not name; `undefined` removes it. */
  setField(name: string, value: JsonValue | undefined): void {
    if (this.ownMembers.has(name)) throw new FormatError(`signed.${name}`, 'has its own meaning');
    if (value === undefined) this.members.delete(name);
    else this.members.set(name, value);
  }

  /** Whether there will be a new version. */
  get isChanged(): boolean {
    const before = this.signedBytes;
    if (before === undefined || this.wish.version !== undefined || this.wish.expires !== undefined) return true;
    const now = encodeJson(this.members);
    return !equalBytes(before, now) && !equalBytes(encodeJson(parseJson(before)), now);
  }

  /** `signed` of the new version. @throws FormatError when there is no such version */
  build(version: number, expires: Date): JsonObject {
    if (!Number.isSafeInteger(version) || version < 1)
      throw new FormatError('signed.version', `${version} cannot be written: replace the keys and set a version`);
    return new Map([...this.members, ['expires', formatExpires(expires)], ['version', version]]);
  }

  protected objectMember(name: string): JsonObject {
    const value = this.members.get(name);
    return isJsonObject(value) ? value : new Map();
  }
}
