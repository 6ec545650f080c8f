import type { ProjectName } from '@holdfast/python-index';
import {
  type Bulletin,
  bulletinIn,
  type QuietFact,
  RARELY_UPDATED,
  type SecurityModel,
  targetPath,
} from '@holdfast/trust';
import type { PublicKey } from '@holdfast/tuf';
import type { HolderRole, OfflineRole } from '../holders.ts';
import type { Judged } from '../signing/judge.ts';
import type { LoadedExport } from '../signing/load.ts';
import { rootHolders, treeHolders } from '../signing/next-roles.ts';
import type { SigningPlan } from '../signing/plan.ts';
import { doubtsAbout, sharedKeys } from './doubts.ts';

/** A claim, as a person looks at it. */
export interface ReviewedClaim {
  readonly project: ProjectName;
  readonly role: string;
  readonly keys: readonly { readonly keyid: string; readonly scheme: string }[];
  readonly threshold: number;
  readonly account: string;
  readonly since: Date;
  readonly verdict: Judged['verdict'];
  readonly becomes: 'claimed' | 'waits';
  /** Why it waits. */
  readonly why: string;
  /** What deserves a second look, in words. */
  readonly doubts: readonly string[];
}

export interface ReviewedFile {
  readonly filename: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of the file under this name until now; undefined for a new one. */
  readonly before: string | undefined;
}

export interface ReviewedQuiet {
  readonly project: ProjectName;
  readonly becomes: 'rarely-updated' | 'updated' | 'left' | 'excluded';
  readonly why: string;
  readonly files: readonly ReviewedFile[];
  readonly lastUpload: Date | undefined;
}

export interface ReviewedHolders {
  readonly role: HolderRole;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly threshold: { readonly before: number | undefined; readonly after: number };
}

/** What an offline signing would change, in facts: what holders look at before they sign. */
export interface Review {
  /** SHA-256 of what the file says. */
  readonly id: string;
  /** SHA-256 of the first root: compare it with paper. */
  readonly fingerprint: string;
  readonly now: Date;
  readonly publication: number;
  readonly model: { readonly before: SecurityModel; readonly after: SecurityModel };
  readonly holders: readonly ReviewedHolders[];
  readonly claims: readonly ReviewedClaim[];
  /** Claimed projects whose rotate files are folded into their delegation, or not, and why. */
  readonly rotated: readonly {
    readonly project: ProjectName;
    readonly becomes: 'folded' | 'waits';
    readonly why: string;
  }[];
  readonly quiet: readonly ReviewedQuiet[];
  /** Keys that many claims have. */
  readonly shared: readonly { readonly keyid: string; readonly projects: number }[];
  /** What is signed: how many roles, for what reason, until when. */
  readonly signs: readonly {
    readonly role: OfflineRole;
    readonly roles: number;
    readonly renewed: number;
    readonly expires: Date;
  }[];
  /** Roles that leave the index. */
  readonly retired: number;
  readonly bulletin: Bulletin | null | undefined;
}

/** @param recentDays a claim younger than that is told as such */
export function review(loaded: LoadedExport, plan: SigningPlan, { recentDays = 7 } = {}): Review {
  const { present, order } = loaded;
  const outcomes = new Map(plan.claims.outcomes.map((outcome) => [outcome.project, outcome]));
  const before = bulletinIn(present.targets.signed);
  return {
    id: loaded.id,
    fingerprint: present.fingerprint,
    now: order.now,
    publication: order.publication,
    model: { before: present.model, after: order.model },
    holders: changedHolders(loaded),
    claims: loaded.claims.map((judged): ReviewedClaim => {
      const { project, role, keys, threshold, account, since } = judged.claim;
      const why = outcomes.get(project)?.why ?? '';
      const doubts = doubtsAbout(judged, { now: order.now, recentDays, accepted: loaded.accept.has(project) });
      const named = keys.map(({ keyid, scheme }) => ({ keyid, scheme }));
      const becomes = why === '' ? 'claimed' : 'waits';
      return { project, role, keys: named, threshold, account, since, verdict: judged.verdict, becomes, why, doubts };
    }),
    rotated: plan.claims.outcomes.flatMap(({ project, becomes, why }) =>
      loaded.rotated.some((one) => one.project === project)
        ? [{ project, becomes: becomes === 'folded' ? 'folded' : 'waits', why }]
        : [],
    ),
    quiet: quietOf(loaded, plan),
    shared: sharedKeys(loaded.claims.map(({ claim }) => claim)),
    signs: signsOf(plan),
    retired: plan.retired.length,
    bulletin: order.bulletin === undefined || order.bulletin?.id === before?.id ? undefined : order.bulletin,
  };
}

function changedHolders({ present, order }: LoadedExport): ReviewedHolders[] {
  const today = { ...order, holders: new Map() };
  return Array.from(order.holders.keys()).flatMap((role): ReviewedHolders[] => {
    const of = (wish: typeof order): { keys: readonly PublicKey[]; threshold: number } => {
      if (role === 'root' || role === 'targets') return rootHolders(present, wish, role);
      return role === 'online' ? rootHolders(present, wish, 'timestamp') : treeHolders(present, wish, role);
    };
    const known = role === 'online' || role === 'root' || role === 'targets' || present.trees.has(role);
    const before = known ? of(today) : undefined;
    const after = of(order);
    const ids = (keys: readonly PublicKey[] = []): string[] => keys.map(({ keyid }) => keyid);
    return [
      {
        role,
        added: ids(after.keys).filter((keyid) => !ids(before?.keys).includes(keyid)),
        removed: ids(before?.keys).filter((keyid) => !ids(after.keys).includes(keyid)),
        threshold: { before: before?.threshold, after: after.threshold },
      },
    ];
  });
}

function quietOf(loaded: LoadedExport, plan: SigningPlan): ReviewedQuiet[] {
  const offered = new Map<ProjectName, QuietFact>(loaded.quiet.map((quiet) => [quiet.project, quiet]));
  const present = loaded.present.trees.get(RARELY_UPDATED)?.tree.targets;
  return plan.quiet.outcomes.map(({ project, becomes, why }) => {
    const quiet = becomes === 'left' ? undefined : offered.get(project);
    const files = (quiet?.files ?? []).map(({ filename, sha256 }) => {
      return { filename, sha256, before: present?.get(targetPath(project, filename))?.hashes.get('sha256') };
    });
    return { project, becomes, why, files, lastUpload: quiet?.lastUpload };
  });
}

function signsOf({ roles }: SigningPlan): Review['signs'] {
  const holders = [...new Set(roles.map(({ holder }) => holder))];
  return holders.map((role) => {
    const own = roles.filter(({ holder }) => holder === role);
    const renewed = own.filter(({ why }) => why === 'renewed').length;
    return { role, roles: own.length, renewed, expires: own[0]?.expires ?? new Date(0) };
  });
}
