import { PATH } from '../sandbox/places.ts';

/**
 * Everything that a build is told, and nothing of this machine. SOURCE_DATE_EPOCH is added by build_one.py, which knows the
 * times in the sdist. Time zone, locale and the order of sets are those that make two builds equal.
 */
export function buildEnvironment(work: string): ReadonlyMap<string, string> {
  return new Map([
    ['PATH', PATH],
    ['HOME', `${work}/home`],
    ['TMPDIR', `${work}/tmp`],
    ['USER', 'build'],
    ['LOGNAME', 'build'],
    ['LC_ALL', 'C.UTF-8'],
    ['LANG', 'C.UTF-8'],
    ['TZ', 'UTC'],
    ['PYTHONHASHSEED', '0'],
    ['PYTHONDONTWRITEBYTECODE', '1'],
    ['PYTHONNOUSERSITE', '1'],
    ['PIP_CONFIG_FILE', '/dev/null'],
    ['PIP_DISABLE_PIP_VERSION_CHECK', '1'],
    ['NO_COLOR', '1'],
  ]);
}
