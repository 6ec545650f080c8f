import { asProjectName, type ProjectName } from '@holdfast/python-index';
import { projectDirectory } from './target-path.ts';

/**
 * Roles that developers sign: `project.django`, its next generations `project.django.2`, `project.django.3`, …, and what they delegate
 * to, `project.django.windows`. A new generation begins with keys of its own and an empty chain of rotate files.
 */
export interface ProjectRole {
  readonly project: ProjectName;
  /** From 1 on. */
  readonly generation: number;
  /** What the delegations on the way added to the name; none for the project's own role. */
  readonly labels: readonly string[];
}

/** How deep delegations in a project go. */
export const MAX_LABELS = 3;

const LABEL = /^[a-z][a-z0-9-]{0,31}$/;
const GENERATION = /^(?:[2-9]|[1-9]\d{1,8})$/;
const ROTATION = /^rotate\/(.+)\.rotate\.([1-9]\d{0,8})$/s;

/** The role of a project's developers: `project.django`, or of a later generation `project.django.2`. */
export function projectRole(project: ProjectName, generation = 1): string {
  return generation === 1 ? `project.${project}` : `project.${project}.${generation}`;
}

/** The parts of such a name, or `undefined` for any other name. Each role has one spelling. */
export function parseProjectRole(role: string): ProjectRole | undefined {
  const [kind, name = '', ...rest] = role.split('.');
  const project = asProjectName(name);
  if (kind !== 'project' || project === undefined) return undefined;
  const generation = GENERATION.test(rest[0] ?? '') ? Number(rest.shift()) : 1;
  if (rest.length > MAX_LABELS || !rest.every(isLabel)) return undefined;
  return { project, generation, labels: rest };
}

/** The project whose role this is, or whose rotate file; `undefined` for roles of no project. */
export function projectOf(role: string): ProjectName | undefined {
  return parseProjectRole(parseRotationRole(role)?.role ?? role)?.project;
}

/** What a delegation inside a project may be called. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** The role that comes when this one was revoked, or its rotate files were folded into its delegation. */
export function nextGeneration({ project, generation }: Pick<ProjectRole, 'project' | 'generation'>): string {
  return projectRole(project, generation + 1);
}

/** Under which name the snapshot tree lists a rotate file (TAP 8) of a role: that of its file below `metadata/`, without `.json`. */
export function rotationRole(role: string, version: number): string {
  return `rotate/${role}.rotate.${version}`;
}

/** The role and the number of a rotate file's entry; `undefined` for other names. */
export function parseRotationRole(entry: string): { readonly role: string; readonly version: number } | undefined {
  const [, role, version] = ROTATION.exec(entry) ?? [];
  return role === undefined ? undefined : { role, version: Number(version) };
}

/** What is delegated to a project: everything in its directory. */
export function projectPattern(project: ProjectName): string {
  return `${projectDirectory(project)}*`;
}
