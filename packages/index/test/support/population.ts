import { createHash } from 'node:crypto';

export interface Line {
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  readonly size: number;
  readonly upload_time: string;
  readonly requires_python?: string;
  readonly yanked?: string | boolean;
  readonly url?: string;
}

/** Lines as `holdfast import` reads them: `projects` projects of `each` files, and some facts. */
export function lines(projects: number, each: number): Line[] {
  return Array.from({ length: projects * each }, (_, i) => {
    const [project, version] = [`imported-${Math.floor(i / each)}`, `1.${i % each}`];
    const filename = `${project.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
    return {
      project,
      filename,
      sha256: createHash('sha256').update(filename).digest('hex'),
      size: 1_000 + i,
      upload_time: '2020-01-02T03:04:05.678901Z',
      ...(i % 3 === 0 && { requires_python: '>=3.8' }),
      ...(i % 7 === 0 && { yanked: 'broken' }),
    };
  });
}

export async function* bytesOf(list: readonly object[]): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder().encode(list.map((line) => `${JSON.stringify(line)}\n`).join(''));
  // In pieces that end in the middle of lines.
  for (let at = 0; at < text.length; at += 10_007) yield text.subarray(at, at + 10_007);
}
