import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';

const directory = join(import.meta.dirname, '..', 'results');

/** With `--record`, keeps the figures of a benchmark at a size of the index, for the plots of docs/scaling.md. */
export async function saveResult(benchmark: string, files: number, figures: object): Promise<void> {
  if (!argv.includes('--record')) return;
  await mkdir(directory, { recursive: true });
  await writeFile(
    join(directory, `${benchmark}-${files}.json`),
    `${JSON.stringify({ files, ...figures }, undefined, 2)}\n`,
  );
}
