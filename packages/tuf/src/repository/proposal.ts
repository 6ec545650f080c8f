import { equalBytes } from '../bytes.ts';
import { FormatError } from '../errors.ts';
import { encodeJson } from '../json/canonical.ts';
import { parseJson } from '../json/parse.ts';
import { toJson } from '../json/to-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { Metadata, RoleKeys, SignedCommon } from '../model.ts';
import { parseExpires, formatExpires, parseRoleKeys } from '../parse/common.ts';
import { parseEnvelope } from '../parse/envelope.ts';
import { asArray, asInteger, asObject, asString, asStrings } from '../parse/fields.ts';
import { parseSnapshot, parseTimestamp } from '../parse/meta.ts';
import { parseRoot } from '../parse/root.ts';
import { parseTargets } from '../parse/targets.ts';
import { parseRotation } from '../rotation/rotation.ts';
import { addSignatures, envelopeBytes, type Signer } from '../sign.ts';
import type { VersionWish } from './metadata-editor.ts';
import { isRotationRole } from './rotations.ts';

/** The format is specified in docs/formats/proposal.md. */
const FORMAT = 'holdfast-tuf-proposal-1';

/** One role's next version, or a rotate file (TAP 8), as a whole metadata file that gathers signatures. */
export interface ProposedRole {
  /** Its name. */
  readonly role: string;
  /** The bytes of the file, with the signatures made so far. */
  readonly metadata: Uint8Array;
  /** The version that it follows; 0 for none. */
  readonly replaces: number;
  /** Every known way down to a delegated role: `['targets', 'projects', 'projects.django']`. Empty for top-level roles. */
  readonly chains: readonly (readonly string[])[];
  /** Who has to sign: root under two thresholds, its old and its new one (§5.3.4). For holders; publishing looks for itself. */
  readonly needs: readonly RoleKeys[];
}

/** The roles that are made last, usually by a machine. */
export type OnlineRole = 'snapshot' | 'timestamp';

/** Wishes for the roles that are made last, when the others are signed. */
export type OnlineWishes = ReadonlyMap<OnlineRole, VersionWish>;

/**
 * A change of a repository that has not been published: the new version of each role, to be carried to whoever holds the
 * keys. Everyone signs the same bytes; copies that were signed apart are merged.
 */
export class Proposal {
  /** By name. */
  readonly roles: ReadonlyMap<string, ProposedRole>;
  /** For snapshot and timestamp, which are not part of it yet. */
  readonly wishes: OnlineWishes;

  constructor(roles: Iterable<ProposedRole>, wishes: OnlineWishes = new Map()) {
    this.roles = new Map(Array.from(roles, (role) => [role.role, role]));
    this.wishes = wishes;
  }

  /** @throws FormatError */
  static parse(bytes: Uint8Array): Proposal {
    const document = asObject(parseJson(bytes, { maxDepth: 80 }), 'proposal');
    if (document.get('format') !== FORMAT) throw new FormatError('proposal.format', `should be ${FORMAT}`);
    const wishes = asObject(document.get('wishes'), 'proposal.wishes');
    return new Proposal(
      asArray(document.get('roles'), 'proposal.roles').map((item) => parseRole(asObject(item, 'proposal.roles[]'))),
      new Map((['snapshot', 'timestamp'] as const).flatMap((role) => parseWish(role, wishes.get(role)))),
    );
  }

  /** As a file: docs/formats/proposal.md. */
  encode(): Uint8Array {
    const roles = Array.from(this.roles.values(), ({ metadata, ...role }) =>
      toJson({ ...role, metadata: parseJson(metadata) }),
    );
    const wishes = Array.from(this.wishes, ([role, { version, expires }]): [string, JsonValue] => [
      role,
      toJson({ version, expires: expires && formatExpires(expires) }),
    ]);
    return encodeJson(
      new Map<string, JsonValue>([
        ['format', FORMAT],
        ['roles', roles],
        ['wishes', new Map(wishes)],
      ]),
    );
  }

  /** Signs every role that lists a signer's key and has no signature of it yet. Look at what it says before. */
  async sign(signers: readonly Signer[]): Promise<Proposal> {
    const signed: ProposedRole[] = [];
    for (const role of this.roles.values()) {
      const keyids = new Set(role.needs.flatMap((need) => need.keyids));
      signed.push(
        await signRole(
          role,
          signers.filter(({ key }) => keyids.has(key.keyid)),
        ),
      );
    }
    return new Proposal(signed, this.wishes);
  }

  /**
   * The same proposal with one role's file as somebody else signed it, for instance with `addSignature`.
   * @throws FormatError when the file says anything else than the proposal
   */
  withSigned(role: string, metadata: Uint8Array): Proposal {
    const own = this.roles.get(role);
    if (own === undefined) throw new FormatError('proposal', `has no ${role}`);
    return this.with({ ...own, metadata: mergeSignatures(role, own.metadata, metadata) });
  }

  /** Takes the signatures of a copy over. @throws FormatError when it is a copy of another proposal */
  merge(copy: Proposal): Proposal {
    const roles = [...copy.roles.values()];
    return roles.reduce<Proposal>((merged, { role, metadata }) => merged.withSigned(role, metadata), this);
  }

  /** With a role added, or in the place of the one of its name. */
  with(role: ProposedRole): Proposal {
    return new Proposal(new Map(this.roles).set(role.role, role).values(), this.wishes);
  }
}

/** Adds the signatures that are not there yet. */
export async function signRole(role: ProposedRole, signers: readonly Signer[]): Promise<ProposedRole> {
  const proposed = parseProposed(role);
  const made = new Set(proposed.signatures.filter(({ sig }) => sig !== '').map(({ keyid }) => keyid));
  const others = signers.filter(({ key }) => !made.has(key.keyid));
  return others.length === 0 ? role : { ...role, metadata: await addSignatures(proposed, others) };
}

/** Every role's metadata has these; a rotate file (TAP 8) never expires. */
export type ProposedContent = Pick<SignedCommon, 'version'> & Partial<Pick<SignedCommon, 'expires'>>;

const parsed = new WeakMap<Uint8Array, Metadata<ProposedContent>>();

/** Reads a proposed file, once, as what it is to be. @throws FormatError */
export function parseProposed({ role, metadata }: ProposedRole): Metadata<ProposedContent> {
  const known = parsed.get(metadata) ?? parserOf(role)(metadata);
  parsed.set(metadata, known);
  return known;
}

function parserOf(role: string): (bytes: Uint8Array) => Metadata<ProposedContent> {
  if (isRotationRole(role)) return parseRotation;
  if (role === 'root') return parseRoot;
  if (role === 'timestamp') return parseTimestamp;
  return role === 'snapshot' ? parseSnapshot : parseTargets;
}

function mergeSignatures(role: string, ours: Uint8Array, theirs: Uint8Array): Uint8Array {
  const [own, other] = [parseEnvelope(ours, signedJson), parseEnvelope(theirs, signedJson)];
  if (!equalBytes(encodeJson(own.signed), encodeJson(other.signed)))
    throw new FormatError('signed', 'is not what the proposal says', undefined, role);
  const merged = new Map(own.signatures.map((signature) => [signature.keyid, signature]));
  for (const signature of other.signatures) if (signature.sig !== '') merged.set(signature.keyid, signature);
  return envelopeBytes(own.signedBytes, [...merged.values()]);
}

const signedJson = (signed: JsonObject): JsonObject => signed;

function parseRole(object: JsonObject): ProposedRole {
  const where = 'proposal.roles[]';
  return {
    role: asString(object.get('role'), `${where}.role`),
    metadata: encodeJson(asObject(object.get('metadata'), `${where}.metadata`)),
    replaces: asInteger(object.get('replaces'), 0, `${where}.replaces`),
    chains: asArray(object.get('chains'), `${where}.chains`).map((chain) => asStrings(chain, `${where}.chains[]`)),
    needs: asArray(object.get('needs'), `${where}.needs`).map((need) =>
      parseRoleKeys(asObject(need, `${where}.needs[]`), `${where}.needs[]`),
    ),
  };
}

function parseWish(role: OnlineRole, value: JsonValue | undefined): [OnlineRole, VersionWish][] {
  if (!isJsonObject(value)) return [];
  const [version, expires] = [value.get('version'), value.get('expires')];
  const wish: VersionWish = {
    ...(version === undefined ? {} : { version: asInteger(version, 1, `proposal.wishes.${role}.version`) }),
    ...(expires === undefined ? {} : { expires: parseExpires(asString(expires, `proposal.wishes.${role}.expires`)) }),
  };
  return [[role, wish]];
}
