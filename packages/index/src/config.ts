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
  /** Days that a project transaction waits for missing signatures; without it, {@link WAITING_DAYS}. */
  readonly waitingDays?: number;
}

/** Days: a holder may be on holiday. What nobody signs by then is forgotten. */
export const WAITING_DAYS = 30;

const SHORTEST_SECONDS = 5;
const LONGEST_SECONDS = 400 * 86_400;
const lifetime = z.int().min(SHORTEST_SECONDS).max(LONGEST_SECONDS);

const schema = z.strictObject({
  format: z.literal(1),
  lifetimes: z.strictObject({ timestamp: lifetime, snapshot: lifetime, bins: lifetime }),
  records: z.string().optional(),
  objects: z.string().optional(),
  nextSigning: z.iso.date().optional(),
  waitingDays: z.int().min(1).max(3650).optional(),
});

/** @throws ZodError, SyntaxError or InvalidLocationError when the text is no configuration */
export function parseConfig(text: string): IndexConfig {
  const { lifetimes, records, objects, nextSigning, waitingDays } = schema.parse(JSON.parse(text));
  assertLocations({ records, objects });
  return {
    lifetimes,
    stores: { records, objects },
    ...(nextSigning !== undefined && { nextSigning: new Date(nextSigning) }),
    ...(waitingDays !== undefined && { waitingDays }),
  };
}

/** What {@link parseConfig} reads as this. @throws ZodError, InvalidLocationError */
export function configText({ lifetimes, stores, nextSigning, waitingDays }: IndexConfig): string {
  const made = schema.parse(JSON.parse(makeConfig(lifetimes, stores)));
  return withNextSigning(JSON.stringify({ ...made, waitingDays }), nextSigning);
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
