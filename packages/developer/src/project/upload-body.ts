import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Upload } from '../account/index-api.ts';
import { FileRefusedError } from '../errors.ts';
import type { LocalFile } from './local-files.ts';

/** What the index may do with the file at once: `stage`, keep it until it is signed for; `publish`, as for every uploader. */
export type UploadIntent = 'stage' | 'publish';

const READ_BYTES = 256 << 10;

/** The form that uploaders send to `/legacy/`, with the file read from disk while it is sent. */
export function uploadBody(file: LocalFile, intent: UploadIntent, sent: (bytes: number) => void = () => {}): Upload {
  const boundary = `holdfast-${randomUUID()}`;
  const { kind, version } = file.name;
  const fields: readonly (readonly [string, string])[] = [
    [':action', 'file_upload'],
    ['protocol_version', '1'],
    ['name', file.displayName],
    ['version', version],
    ['filetype', kind === 'wheel' ? 'bdist_wheel' : 'sdist'],
    ['pyversion', file.name.kind === 'wheel' ? file.name.pythonTag : 'source'],
    ['sha256_digest', file.sha256],
    ...(intent === 'stage' ? ([['holdfast_stage', 'true']] as const) : []),
  ];
  const part = (disposition: string): string => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`;
  const head = Buffer.from(
    `${fields.map(([name, value]) => `${part(`name="${name}"`)}\r\n${value}\r\n`).join('')}${part(
      `name="content"; filename="${file.filename}"`,
    )}Content-Type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: head.length + file.size + tail.length,
    body: pieces(head, file, tail, sent),
  };
}

/** @throws FileRefusedError when the file is not what it was when it was looked into */
async function* pieces(
  head: Uint8Array,
  file: LocalFile,
  tail: Uint8Array,
  sent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  yield head;
  const handle = await open(file.path, 'r');
  try {
    for (let at = 0; at < file.size; ) {
      const length = Math.min(READ_BYTES, file.size - at);
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) throw new FileRefusedError(file.path, 'it became shorter while it was sent');
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
      sent(bytesRead);
    }
  } finally {
    await handle.close();
  }
  yield tail;
}
