import { type RawBuilder, sql } from 'kysely';

/**
 * Roles of the bin trees that the index signs: these it renews, however many others end. Part of an index, and so of every query that
 * is to use it; nothing of it is a parameter. An expression, because SQLite would rather look up names, and then sort what it found.
 */
export const IS_OURS: RawBuilder<boolean> = sql<boolean>`(role || '' between 'recently-claimed' and 'recently-claimed.g'
  or role || '' between 'unclaimed' and 'unclaimed.g')`;
