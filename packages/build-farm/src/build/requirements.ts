import { normalizeName, PythonIndexError } from '@holdfast/python-index';
import { BuildRequirementsError } from '../errors.ts';

const MOST = 200;
const LONGEST = 1000;
/** PEP 508 with a name, extras, versions and a marker: no address, and nothing that pip would take for an option or a file. */
const REQUIREMENT =
  /^([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(\[[A-Za-z0-9._,\t -]*\])?[ \t]*\(?([ \t,<>=!~0-9A-Za-z.*+_-]*)\)?[ \t]*(;[ -~]*)?$/;

/**
 * Refuses what a project may not ask of the farm: whatever would be fetched from elsewhere than a trusted index.
 * @throws BuildRequirementsError
 */
export function checkRequirements(requirements: readonly string[]): readonly string[] {
  if (requirements.length > MOST)
    throw new BuildRequirementsError(requirements.slice(0, 3), `there are more than ${MOST}`);
  const refused = requirements.filter((text) => !isNamed(text));
  if (refused.length > 0)
    throw new BuildRequirementsError(
      refused,
      'only names with versions can be had from an index, no addresses and files',
    );
  return requirements;
}

function isNamed(text: string): boolean {
  const [, name = '', , versions = ''] = text.length <= LONGEST ? (REQUIREMENT.exec(text) ?? []) : [];
  if (!/^(\s*(<=|>=|<|>|===|==|!=|~=)\s*[0-9A-Za-z.*+_-]+\s*(,|$))*\s*$/.test(versions)) return false;
  try {
    return normalizeName(name) !== '';
  } catch (error) {
    if (error instanceof PythonIndexError) return false;
    throw error;
  }
}
