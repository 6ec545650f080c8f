import { type RawBuilder, sql } from 'kysely';

/** Of a row of `changes`: it waits, or its publication has no number yet, or is not complete. */
export const ON_ITS_WAY: RawBuilder<boolean> = sql<boolean>`(changes.publication is null or changes.publication = 0
  or changes.publication in (select id from publications where published_at is null))`;
