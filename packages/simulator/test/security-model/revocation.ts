import { projectRole, rotationRole } from '@holdfast/trust';
import { revocationJson, rotationJson, signMetadata } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import {
  forgedReleases,
  type KeySet,
  type Loot,
  type Publication,
  projectOfStanding,
  type SignedRole,
  signProject,
} from '../../src/index.ts';
import { type Burglary, type Outcome, VERSION } from './burglary.ts';
import { type Form, Memory } from './memory-installer.ts';

/** What was done about the stolen key of the developer of the project `claimed`. */
export const ANSWERS = ['nothing', 'revoked', 'rotated', 'folded'] as const;
export type Answer = (typeof ANSWERS)[number];

/** What the thief shows: the newest roles, or those from before the answer, with the thief's release. */
export const FACES = ['newest', 'before'] as const;
export type Face = (typeof FACES)[number];

const ROLE = projectRole(projectOfStanding('claimed'));
const ROTATION = rotationRole(ROLE, 1);

/** One theft of a developer's key and the ways to answer it. */
export class Revocation {
  readonly burglary: Burglary;
  readonly #honest: Readonly<Record<Answer, Publication>>;

  static async begin(burglary: Burglary): Promise<Revocation> {
    const { world } = burglary;
    const { developer } = world.keys;
    const successors: KeySet = { signers: [await generateKey('ed25519')], threshold: 1 };
    const listed = (rotation: Uint8Array, roles: Iterable<readonly [string, SignedRole]> = []) =>
      new Map([...world.current.parts.listing, [ROTATION, { version: 1, bytes: rotation }] as const, ...roles]);
    const revocation = await signMetadata(revocationJson({ role: ROLE, version: 1 }), developer.signers);
    const keys = successors.signers.map(({ key }) => key);
    const rotation = await signMetadata(
      rotationJson({ role: ROLE, version: 1, keys, threshold: 1 }),
      developer.signers,
    );
    const resigned = await signProject('claimed', world.releases('claimed'), {
      version: 3,
      expires: world.expiry('developer'),
      signers: successors.signers,
    });
    const revoked = await world.next(3, { listing: listed(revocation) });
    const folded = await world.folded(successors);
    return new Revocation(burglary, {
      nothing: world.current,
      revoked,
      rotated: await world.next(3, { listing: listed(rotation, resigned) }),
      // What a snapshot listed once, it lists for ever (§5.5.5), though nothing leads there any more.
      folded: await folded.with({ listing: new Map([...revoked.parts.listing, ...folded.parts.listing]) }),
    });
  }

  private constructor(burglary: Burglary, honest: Readonly<Record<Answer, Publication>>) {
    this.burglary = burglary;
    this.#honest = honest;
  }

  /** What the index serves after the answer. */
  honest(answer: Answer): Publication {
    return this.#honest[answer];
  }

  /** The thief's release, signed with the developer's old key, in a state that is signed as well as the loot allows. */
  async forged(loot: Loot, answer: Answer, face: Face): Promise<Publication> {
    const { world } = this.burglary;
    const thief = this.burglary.thief.with(loot);
    const shown = face === 'newest' ? this.#honest[answer] : world.current;
    const top = { version: VERSION, expires: world.expiry('snapshot') };
    const role = await signProject('claimed', forgedReleases(thief, 'claimed'), {
      version: VERSION,
      expires: world.expiry('developer'),
      signers: thief.signers('developer'),
    });
    return shown.with({
      listing: new Map([...shown.parts.listing, ...role]),
      snapshot: { ...top, signers: thief.signers('snapshot') },
      timestamp: { ...top, signers: thief.signers('timestamp') },
    });
  }

  /** What somebody sees of the project: who is new, or who has seen the answer. */
  async sees(publication: Publication, form: Form, seen?: Answer): Promise<Outcome> {
    const memory = new Memory();
    if (seen !== undefined) await this.burglary.visit(this.#honest[seen], memory, form);
    return (await this.burglary.visit(publication, memory, form)).claimed;
  }
}
