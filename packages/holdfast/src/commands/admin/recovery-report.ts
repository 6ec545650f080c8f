import { type FileReport, isAsBefore, type ProjectReport, type Recovered, type RecoveryPlan } from '@holdfast/index';

/** What a recovery does, or did, for people and for programs. */

type Facts = RecoveryPlan | Recovered;

const differs = ({ changed, outcome }: FileReport): boolean => changed !== 'unchanged' || outcome !== 'kept';

/** Counts first, then every project to which something happened, file by file. */
export function recoveryText(facts: Facts): string {
  const { before, now, projects } = facts;
  const touched = projects.filter((project) => !isAsBefore(project));
  return [
    `Last good state: publication ${before}. Present: ${now}.`,
    ...countsOf(projects),
    ...('objects' in facts ? objectLines(facts) : []),
    '',
    ...touched.flatMap(projectLines),
  ].join('\n');
}

function countsOf(projects: readonly ProjectReport[]): string[] {
  const files = projects.flatMap((project) => project.files);
  const count = (wanted: (file: FileReport) => boolean): number => files.filter(wanted).length;
  const standing = (name: ProjectReport['after']): number => projects.filter(({ after }) => after === name).length;
  const discarded = projects.filter(({ now, after }) => now === 'recently-claimed' && after !== now).length;
  return [
    `Files: ${count((file) => !differs(file))} as they were; since then ${count((file) => file.changed === 'added')} added, ` +
      `${count((file) => file.changed === 'changed')} changed, ${count((file) => file.changed === 'deleted')} deleted, ` +
      `${count((file) => file.changed === 'yanked' || file.changed === 'unyanked')} yanked or unyanked.`,
    `  restored ${count((file) => file.outcome === 'restored')}, discarded ${count((file) => file.outcome === 'discarded')}`,
    `Projects: ${standing('claimed')} claimed and ${standing('rarely-updated')} rarely updated, as signed offline; ` +
      `${standing('recently-claimed')} recently claimed before; ${standing('unclaimed')} unclaimed.`,
    `  claims since then that are discarded: ${discarded}`,
  ];
}

function objectLines({ objects, aside, timestampVersion }: Recovered): string[] {
  return [
    `Objects: ${objects.good} good, ${objects.copied.length} copied from the backup, ${objects.missing.length} missing, ${objects.setAside.length} set aside.`,
    ...objects.missing.map((key) => `  ! missing: ${key}`),
    `What was taken out is in ${aside}. The index goes on after timestamp ${timestampVersion}.`,
  ];
}

function projectLines({ project, before, now, after, files }: ProjectReport): string[] {
  const standing = before === now && now === after ? after : `${before} → ${now}, becomes ${after}`;
  return [
    `${project}: ${standing}`,
    ...files.filter(differs).map((file) => {
      const hash = file.after ?? file.now ?? file.before ?? '';
      const mark = file.outcome === 'discarded' ? '-' : file.outcome === 'restored' ? '+' : ' ';
      return `  ${mark} ${file.outcome.padEnd(9)} ${file.changed.padEnd(9)} ${hash}  ${file.filename}`;
    }),
  ];
}

/** Projects and files to which something happened. */
export function recoveryJson(facts: Facts): object {
  const { before, now, projects } = facts;
  return {
    before,
    now,
    projects: projects
      .filter((project) => !isAsBefore(project))
      .map((project) => ({ ...project, files: project.files.filter(differs) })),
    ...('objects' in facts && {
      objects: facts.objects,
      timestampVersion: facts.timestampVersion,
      aside: facts.aside,
    }),
  };
}
