import { API_VERSION, type ProjectFile, type ProjectPage, offeredFiles, offeredVersions } from './project-page.ts';
import type { RootProject } from './root-page.ts';
import { formatUploadTime } from './upload-time.ts';

/**
 * A project page in JSON (PEP 691, 700, 714, 792).
 *
 * Absent values are left out and never `null`: uv refuses a whole page for one `null` size, upload-time or yanked. The key
 * `dist-info-metadata` is never written: pip 22.3 to 23.0 fail on it (PEP 714).
 */
export function renderProjectJson(page: ProjectPage): string {
  const { status } = page;
  const parts = [
    `"meta":${renderMeta(page.meta)}`,
    `"name":${JSON.stringify(page.name)}`,
    ...(status ? [`"project-status":${JSON.stringify({ status: status.status, reason: status.reason })}`] : []),
    `"versions":${JSON.stringify(offeredVersions(page))}`,
    `"files":[${offeredFiles(page).map(renderFile).join(',')}]`,
  ];
  return `{${parts.join(',')}}`;
}

/** Written in order by hand, so that absent keys are left out and never `null`. */
function renderFile(file: ProjectFile): string {
  const { requiresPython, coreMetadata } = file;
  // PEP 592 in JSON: true, or a reason that is not empty.
  const yanked = file.yanked === '' ? true : (file.yanked ?? false);
  return (
    `{"filename":${quoted(file.filename)},"url":${quoted(file.url)},"hashes":{"sha256":${quoted(file.sha256)}}` +
    `,"size":${file.size},"upload-time":"${formatUploadTime(file.uploadTime)}"` +
    (requiresPython === undefined ? '' : `,"requires-python":${quoted(requiresPython)}`) +
    `,"yanked":${typeof yanked === 'string' ? quoted(yanked) : yanked}` +
    (coreMetadata ? `,"core-metadata":{"sha256":${quoted(coreMetadata.sha256)}}}` : '}')
  );
}

const quoted = (text: string): string => JSON.stringify(text);

/** The root page in JSON. `lastSerial` is the newest serial of the whole index; bandersnatch wants one per project too. */
export function renderRootJson(projects: Iterable<string | RootProject>, lastSerial?: number): string {
  const entries: string[] = [];
  for (const project of projects) {
    const { name, lastSerial: serial } = typeof project === 'string' ? { name: project } : project;
    entries.push(JSON.stringify({ '_last-serial': serial, name }));
  }
  const meta = lastSerial === undefined ? undefined : new Map([['_last-serial', lastSerial] as const]);
  return `{"meta":${renderMeta(meta)},"projects":[${entries.join(',')}]}`;
}

function renderMeta(extra: ProjectPage['meta']): string {
  const keys = [...(extra ?? [])].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`);
  return `{${keys.join('')}"api-version":"${API_VERSION}"}`;
}
