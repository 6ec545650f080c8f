import { createHash } from 'node:crypto';
import { type Agent, request } from 'node:http';
import { makeWheel } from '../../packages/index/test/support/wheel.ts';

export const WHEEL_BYTES = 20_000;

/** A wheel as a form that an upload client sends. */
export interface Upload {
  readonly filename: string;
  readonly sha256: string;
  readonly body: Buffer;
}

/** A wheel of 20 kB that cannot be compressed. */
export function makeUpload(name: string, version: string): Upload {
  const padding = createHash('shake256', { outputLength: WHEEL_BYTES - 800 })
    .update(name + version)
    .digest();
  const { filename, bytes } = makeWheel({
    name,
    version,
    extra: [[`${name.replaceAll('-', '_')}.bin`, padding]],
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { filename, sha256, body: form({ name, version, filename, sha256, bytes }) };
}

function form(wheel: { name: string; version: string; filename: string; sha256: string; bytes: Buffer }): Buffer {
  const fields = {
    ':action': 'file_upload',
    protocol_version: '1',
    metadata_version: '2.1',
    name: wheel.name,
    version: wheel.version,
    filetype: 'bdist_wheel',
    pyversion: 'py3',
    sha256_digest: wheel.sha256,
  };
  const parts = Object.entries(fields).map(
    ([field, value]) => `--holdfast\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  parts.push(`--holdfast\r\nContent-Disposition: form-data; name="content"; filename="${wheel.filename}"\r\n\r\n`);
  return Buffer.concat([Buffer.from(parts.join('')), wheel.bytes, Buffer.from('\r\n--holdfast--\r\n')]);
}

/** Ends when the index has answered 200: then the file is in signed metadata. */
export function post(
  index: { readonly url: string; readonly token: string },
  agent: Agent,
  body: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Basic ${Buffer.from(`__token__:${index.token}`).toString('base64')}`,
      'content-type': 'multipart/form-data; boundary=holdfast',
      'content-length': body.length,
    };
    const sent = request(`${index.url}/legacy/`, { method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode} ${text}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
