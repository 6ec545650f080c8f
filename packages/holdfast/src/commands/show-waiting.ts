import { type Cosignable, labelOf, type RoleView, type StagedPlan, type TransactionView } from '@holdfast/developer';
import { note, paintNote } from '../terminal.ts';
import { day, shortKey, size } from './project-output.ts';

/** What signing would publish, before somebody does. */
export function showStaged({ mine, others, underWay }: StagedPlan): void {
  if (mine.length > 0) note('These files wait. Signing them publishes them:');
  for (const { file, role, local } of mine) {
    const same = local ? `  ${paintNote('green', `the same as ${local.path}`)}` : '';
    note(`  ${file.filename}  ${size(file.size)}  sha256 ${file.sha256}${same}`);
    note(`      brought by ${file.account || 'somebody'} on ${day(file.uploadTime)}, to be listed by ${role.role}`);
  }
  if (mine.some(({ local }) => !local))
    note(
      'Whoever has the API token may have brought them. Compare the hashes with those of your build, or name your own files.',
    );
  for (const { filename } of others) note(`  ${filename} waits, too, for somebody else's key.`);
  for (const { filename } of underWay) note(`  ${filename} waits, too, in a change that others have to sign.`);
}

export function showTransaction({ waiting, view, mine }: Cosignable): void {
  note(
    `A change by ${waiting.account || 'somebody'} of ${day(waiting.recordedAt)} waits for your signature on ${mine.join(', ')}:`,
  );
  showChanges(view);
}

/** What a change that waits would do. */
export function showChanges({ claim, rotation, roles }: TransactionView): void {
  if (claim) note(`  claims the project with ${claim.threshold} of the keys ${claim.keys.map(shortKey).join(', ')}`);
  if (rotation === 'revocation')
    note(`  ${paintNote('red', 'revokes the project')}: nothing of it could be installed any more`);
  else if (rotation)
    note(`  from then on ${rotation.threshold} of the keys ${rotation.keys.map(shortKey).join(', ')} sign`);
  for (const role of roles) showRole(role);
}

function showRole({
  role,
  version,
  expires,
  added,
  removed,
  yanked,
  delegated,
  undelegated,
  isRenewal,
}: RoleView): void {
  note(`  ${role} version ${version}, valid until ${day(expires)}${isRenewal ? ': the same content, for longer' : ''}`);
  for (const file of added) note(`    + ${file.filename}  ${size(file.size)}  sha256 ${file.sha256}`);
  for (const filename of removed) note(`    - ${filename}  is deleted`);
  for (const file of yanked) note(`    ~ ${file.filename}  ${file.yanked ? 'is yanked' : 'is not yanked any more'}`);
  for (const to of delegated)
    note(
      `    → ${labelOf(to.name)}: ${to.threshold} of ${to.keyids.map(shortKey).join(', ')} may sign for ${(to.paths ?? []).join(', ')}`,
    );
  for (const name of undelegated) note(`    ← ${labelOf(name)} signs for nothing any more`);
}
