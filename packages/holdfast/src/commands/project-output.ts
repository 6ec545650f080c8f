import { type Settled } from '@holdfast/developer';
import { drawChain, type ProjectSigning, type VerifiedDistribution } from '@holdfast/installer';
import { note, paintNote, print, printJson } from '../terminal.ts';
import type { OpenBench } from './project-bench.ts';

/** Draws the chain of trust of one of the files that were just published, and says how many there are. */
export function showPublished(bench: OpenBench, files: readonly VerifiedDistribution[]): void {
  const [file] = files;
  const { freshness, trusted } = bench.client;
  if (file && freshness)
    print(
      drawChain(
        { file, freshness, fingerprint: trusted.fingerprint },
        { colour: process.stdout.isTTY && !process.env['NO_COLOR'] },
      ),
    );
  const more = files.length > 1 ? ` This is one of ${files.length} files; the others hang from the same chain.` : '';
  if (file) note(`${paintNote('green', 'Verified')} by this computer's own installer.${more}`);
}

/** The files of these names as an installer verified them. */
export function verifiedFiles(
  { files }: ProjectSigning,
  filenames: readonly string[],
): readonly VerifiedDistribution[] {
  const wanted = new Set(filenames);
  return files.filter(({ filename }) => wanted.has(filename));
}

/** Says what still lacks signatures, and what its other holders do. */
export function showWaiting(project: string, { waiting }: Extract<Settled, { state: 'waiting' }>): void {
  for (const [part, { signed, threshold }] of waiting)
    note(
      `${part} has ${signed.length} of the ${threshold} signatures that it needs. Nobody sees it before it has them.`,
    );
  note(`The other holders sign with: holdfast sign ${project}`);
}

/** Says from when on a claim counts that operators bring into force. */
export function showRecorded(project: string, nextSigning: Date | undefined): void {
  const when = nextSigning === undefined ? 'the date is not set yet' : `by ${day(nextSigning)}`;
  note(
    `The claim of ${project} is recorded. It counts from the operators' next offline signing on (${when}); until then the files stay as they are. You need do nothing more; holdfast status ${project} shows when it counts.`,
  );
}

/** The same for every command: exit code 0 when nothing is left to do here, 3 when it waits for other holders. */
export const WAITS = 3;

export function settledJson(project: string, outcome: Settled, more: object = {}): void {
  printJson({ project, state: outcome.state, ...outcomeJson(outcome), ...more });
}

export function outcomeJson(outcome: Settled): object {
  return {
    ...(outcome.state === 'published' && {
      timestamp_version: outcome.timestampVersion,
      standing: outcome.signing.standing,
    }),
    ...(outcome.state === 'recorded' && {
      timestamp_version: outcome.timestampVersion,
      next_signing: outcome.nextSigning?.toISOString() ?? null,
    }),
    ...(outcome.state === 'waiting' && { waiting: Object.fromEntries(outcome.waiting) }),
  };
}

/** The files that were signed: nobody can install those that wait for others. */
export function filesJson({ state }: { readonly state: string }, filenames: readonly string[]): object {
  return state === 'waiting' ? { published: [], signed: filenames } : { published: filenames };
}

/** Reports a change that shows no file. @returns the exit code */
export function report(project: string, outcome: Settled, json: boolean, sentence: string): number {
  if (json) settledJson(project, outcome);
  else if (outcome.state === 'waiting') showWaiting(project, outcome);
  else if (outcome.state === 'recorded') showRecorded(project, outcome.nextSigning);
  else note(`${sentence} Installers see it from now on (timestamp ${outcome.timestampVersion}).`);
  return outcome.state === 'waiting' ? WAITS : 0;
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const shortKey = (keyid: string): string => keyid.slice(0, 12);
export const day = (date: Date): string => date.toISOString().slice(0, 10);
