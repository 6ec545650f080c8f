import { once } from 'node:events';
import { argv, stdout } from 'node:process';
import { Population } from './population.ts';

/** `write.ts FILES [SEED]`: the population on standard output, a file a line, as `holdfast import` reads it. */
const [files = 10_000, seed] = argv.slice(2).map(Number);
const CHUNK = 1 << 18;

const population = new Population(files, seed);
let text = '';
for (let number = 0; number < population.projects; number++) {
  for (const file of population.filesOf(population.project(number))) text += `${JSON.stringify(file)}\n`;
  if (text.length < CHUNK) continue;
  if (!stdout.write(text)) await once(stdout, 'drain');
  text = '';
}
stdout.end(text);
