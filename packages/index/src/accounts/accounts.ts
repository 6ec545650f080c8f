import { randomBytes } from 'node:crypto';
import type { ProjectName } from '@holdfast/python-index';
import { normalizeName } from '@holdfast/python-index';
import { AccountExistsError, AccountUnknownError, InvalidAccountError, OutsideDelegationError } from '../errors.ts';
import { standingsOf } from '../publish/standing-rows.ts';
import type { Records } from '../records/records.ts';
import { bringersOf } from '../transactions/key-holders.ts';
import { partIn } from './membership.ts';
import { looksLikeToken, newToken, tokenDigest } from './token.ts';

/** Who asks, as far as a token says. */
export interface Identity {
  readonly account: string;
  /** The token is good for this project only. */
  readonly project?: ProjectName;
}

/** A token as it is listed: never the secret. */
export interface TokenEntry {
  /** Public, to revoke it by. */
  readonly id: string;
  readonly account: string;
  readonly project?: ProjectName;
  readonly label: string;
  readonly createdAt: Date;
  readonly revokedAt?: Date;
}

export interface NewToken {
  readonly account: string;
  readonly project?: ProjectName | undefined;
  readonly label: string;
}

const ACCOUNT = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Who may publish what. The records are asked each time, so a revoked token is dead at once, in every process. */
export class Accounts {
  readonly #records: Records;
  readonly #clock: () => Date;

  constructor(records: Records, clock: () => Date) {
    this.#records = records;
    this.#clock = clock;
  }

  /** @throws AccountExistsError, InvalidAccountError */
  async createAccount(name: string): Promise<void> {
    if (!ACCOUNT.test(name)) throw new InvalidAccountError(name);
    const made = await this.#records.write((db) =>
      db
        .insertInto('accounts')
        .values({ name, created_at: this.#clock().getTime() })
        .onConflict((conflict) => conflict.doNothing())
        .returning('name')
        .executeTakeFirst(),
    );
    if (!made) throw new AccountExistsError(name);
  }

  /** The token comes back once and is never to be had again. @throws AccountUnknownError */
  async createToken({ account, project, label }: NewToken): Promise<{ readonly id: string; readonly token: string }> {
    const token = newToken();
    const id = randomBytes(6).toString('hex');
    await this.#records.write(async (db) => {
      const known = await db.selectFrom('accounts').select('name').where('name', '=', account).executeTakeFirst();
      if (!known) throw new AccountUnknownError(account);
      const row = { id, account, project: project ?? null, label, sha256: tokenDigest(token) };
      await db
        .insertInto('tokens')
        .values({ ...row, created_at: this.#clock().getTime(), revoked_at: null })
        .execute();
    });
    return { id, token };
  }

  async listTokens(): Promise<readonly TokenEntry[]> {
    const rows = await this.#records.read.selectFrom('tokens').selectAll().orderBy('created_at').execute();
    return rows.map((row) => ({
      id: row.id,
      account: row.account,
      ...(row.project !== null && { project: normalizeName(row.project) }),
      label: row.label,
      createdAt: new Date(row.created_at),
      ...(row.revoked_at !== null && { revokedAt: new Date(row.revoked_at) }),
    }));
  }

  /** Whether there was such a token that was not revoked before. */
  async revokeToken(id: string): Promise<boolean> {
    const revoked = await this.#records.write((db) =>
      db
        .updateTable('tokens')
        .set({ revoked_at: this.#clock().getTime() })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .returning('id')
        .executeTakeFirst(),
    );
    return revoked !== undefined;
  }

  /** Whose token it is; `undefined` for one that is unknown or revoked. */
  async authenticate(token: string): Promise<Identity | undefined> {
    if (!looksLikeToken(token)) return undefined;
    const row = await this.#records.read
      .selectFrom('tokens')
      .select(['account', 'project'])
      .where('sha256', '=', tokenDigest(token))
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (!row) return undefined;
    return { account: row.account, ...(row.project !== null && { project: normalizeName(row.project) }) };
  }

  /**
   * Whether who holds this token may bring files for the project, or create it. What becomes of them is decided when they are taken in,
   * in a transaction, and so is this again. While the index signs for the project, keys give nobody a right.
   * @throws OutsideDelegationError when their key signs for other files than this one
   */
  async mayPublish(identity: Identity, project: ProjectName, filename?: string): Promise<boolean> {
    const { read } = this.#records;
    const part = await partIn(read, identity, project);
    if (part !== 'key-holder') return part !== undefined;
    if (!(await standingsOf(read, [project])).has(project)) return false;
    if (filename !== undefined && !(await bringersOf(read, project))(identity.account, filename))
      throw new OutsideDelegationError(filename, identity.account);
    return true;
  }
}
