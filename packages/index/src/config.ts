import { z } from 'zod';
import { parseS3Location } from './objects/s3-location.ts';
import { DEFAULT_LIFETIMES, type Lifetimes } from './publish/lifetimes.ts';
import { assertPostgresLocation } from './records/postgres-location.ts';
import type { StoreLocations } from './stores.ts';

/** `config.json` of an index: what its operators chose when it was made. */
export interface IndexConfig {
  readonly lifetimes: Lifetimes;
  readonly stores: StoreLocations;
  /** When the holders of the offline keys mean to sign next: what uploaders of quiet projects are told. */
  readonly nextSigning?: Date;
}

const SHORTEST_SECONDS = 5;
const LONGEST_SECONDS = 400 * 86_400;
const lifetime = z.int().min(SHORTEST_SECONDS).max(LONGEST_SECONDS);

const schema = z.strictObject({
  format: z.literal(1),
  lifetimes: z.strictObject({ timestamp: lifetime, snapshot: lifetime, bins: lifetime }),
  records: z.string().optional(),
  objects: z.string().optional(),
  nextSigning: z.iso.date().optional(),
});

/** @throws ZodError, SyntaxError or InvalidLocationError when the text is no configuration */
export function parseConfig(text: string): IndexConfig {
  const { lifetimes, records, objects, nextSigning } = schema.parse(JSON.parse(text));
  assertLocations({ records, objects });
  const next = nextSigning === undefined ? {} : { nextSigning: new Date(nextSigning) };
  return { lifetimes, stores: { records, objects }, ...next };
}

/** @throws InvalidLocationError */
export function makeConfig(chosen: Partial<Lifetimes>, { records, objects }: StoreLocations = {}): string {
  assertLocations({ records, objects });
  const config = schema.parse({ format: 1, lifetimes: { ...DEFAULT_LIFETIMES, ...chosen }, records, objects });
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** The same configuration with another date, or none. @throws ZodError, SyntaxError */
export function withNextSigning(text: string, date: Date | undefined): string {
  const { nextSigning: _, ...config } = schema.parse(JSON.parse(text));
  const next = date === undefined ? {} : { nextSigning: date.toISOString().slice(0, 10) };
  return `${JSON.stringify({ ...config, ...next }, undefined, 2)}\n`;
}

/** @throws InvalidLocationError */
export function assertLocations({ records, objects }: StoreLocations): void {
  if (records !== undefined) assertPostgresLocation(records);
  if (objects !== undefined) parseS3Location(objects);
}
