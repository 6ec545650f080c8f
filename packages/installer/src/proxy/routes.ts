import { type ProjectName, normalizeName } from '@holdfast/python-index';
import { parseTargetPath } from '@holdfast/trust';

/** What an address below an index's root asks for. */
export type Route =
  | { readonly kind: 'project'; readonly project: ProjectName }
  | { readonly kind: 'redirect'; readonly to: string }
  /** The list of all projects. */
  | { readonly kind: 'all' }
  | {
      readonly kind: 'file' | 'metadata';
      readonly project: ProjectName;
      readonly filename: string;
      readonly sha256: string;
    }
  | { readonly kind: 'nothing' };

const NOTHING: Route = { kind: 'nothing' };

/** Reads `simple/<project>/` and `files/<h>/<project>/<sha256>/<filename>[.metadata]`; the path is as sent, encoded. */
export function parseRoute(path: string): Route {
  const segments = decodeSegments(path);
  if (!segments) return NOTHING;
  const [head, ...rest] = segments;
  if (head === 'simple') return parsePage(rest);
  return head === 'files' ? parseFile(rest) : NOTHING;
}

function parsePage([name = '', ...rest]: readonly string[]): Route {
  if (name === '' && rest.length === 0) return { kind: 'all' };
  try {
    const project = normalizeName(name);
    if (rest.length === 1 && rest[0] === '') {
      return project === name ? { kind: 'project', project } : { kind: 'redirect', to: `../${project}/` };
    }
    return rest.length === 0 ? { kind: 'redirect', to: `${project}/` } : NOTHING;
  } catch {
    return NOTHING;
  }
}

function parseFile([bin = '', project = '', sha256 = '', last = '', ...rest]: readonly string[]): Route {
  if (rest.length > 0 || !/^[0-9a-f]{64}$/.test(sha256)) return NOTHING;
  const kind = last.endsWith('.metadata') ? 'metadata' : 'file';
  const filename = kind === 'metadata' ? last.slice(0, -'.metadata'.length) : last;
  const target = parseTargetPath(`${bin}/${project}/${filename}`);
  return target ? { kind, project: target.project, filename, sha256 } : NOTHING;
}

/** `undefined` when a segment is badly encoded or hides a slash. */
function decodeSegments(path: string): readonly string[] | undefined {
  try {
    const segments = path.split('/').map(decodeURIComponent);
    return segments.some((segment) => /[/\\\0]/.test(segment)) ? undefined : segments;
  } catch {
    return undefined;
  }
}
