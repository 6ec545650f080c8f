import { z } from 'zod';
import { DEFAULT_LIFETIMES, type Lifetimes } from './publish/lifetimes.ts';

/** `config.json` of an index: what its operators chose when it was made. */
export interface IndexConfig {
  readonly lifetimes: Lifetimes;
}

const SHORTEST_SECONDS = 5;
const LONGEST_SECONDS = 400 * 86_400;
const lifetime = z.int().min(SHORTEST_SECONDS).max(LONGEST_SECONDS);

const schema = z.strictObject({
  format: z.literal(1),
  lifetimes: z.strictObject({ timestamp: lifetime, snapshot: lifetime, bins: lifetime }),
});

/** @throws ZodError or SyntaxError when the text is no configuration */
export function parseConfig(text: string): IndexConfig {
  return schema.parse(JSON.parse(text));
}

export function makeConfig(chosen: Partial<Lifetimes>): string {
  const config = schema.parse({ format: 1, lifetimes: { ...DEFAULT_LIFETIMES, ...chosen } });
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
