import { createHash } from 'node:crypto';
import { normalizeName, parseDistributionFilename } from '@holdfast/python-index';
import type { Distribution } from './wheel.ts';

export interface UploadTo {
  readonly url: string;
  readonly token: string;
}

/** The form that uploaders send, with changes: `undefined` leaves a field out. */
export function uploadForm(file: Distribution, changes: Readonly<Record<string, string | undefined>> = {}): FormData {
  const { kind, project, version } = parseDistributionFilename(file.filename);
  const fields: Record<string, string | undefined> = {
    ':action': 'file_upload',
    protocol_version: '1',
    metadata_version: '2.1',
    name: normalizeName(project),
    version,
    filetype: kind === 'wheel' ? 'bdist_wheel' : 'sdist',
    pyversion: kind === 'wheel' ? 'py3' : 'source',
    sha256_digest: createHash('sha256').update(file.bytes).digest('hex'),
    ...changes,
  };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
  form.append('content', new Blob([new Uint8Array(file.bytes)]), file.filename);
  return form;
}

export function basic(token: string, user = '__token__'): string {
  return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
}

/** Uploads as an uploader does; field changes as in {@link uploadForm}. */
export function upload(
  to: UploadTo,
  file: Distribution,
  changes: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${to.url}/legacy/`, {
    method: 'POST',
    headers: { Authorization: basic(to.token), ...headers },
    body: uploadForm(file, changes),
  });
}
