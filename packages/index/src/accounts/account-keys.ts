import { hash } from 'node:crypto';
import { encodeJson, type PublicKey, type Signature } from '@holdfast/tuf';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { DamagedIndexError } from '../errors.ts';
import type { AccountKeysTable } from '../records/claims-schema.ts';
import type { Records } from '../records/records.ts';
import type { Database } from '../records/schema.ts';
import { badVoucher, notHeld, notVouched, removedBefore, tooManyKeys, unknownKey } from './key-refusals.ts';
import { keyOfJson, KeyJson, type KeyStatement, statementSigners } from './key-statement.ts';

/** A key that an account signs with. */
export interface AccountKey {
  readonly key: PublicKey;
  readonly label: string;
  readonly addedAt: Date;
  /** Keyid of the older key of the account that signed for it; none for the first. */
  readonly vouchedBy?: string;
}

export interface NewAccountKey {
  readonly key: PublicKey;
  /** What people call it. */
  readonly label: string;
  /** By the key itself: whoever brings it holds it. */
  readonly proof: Signature;
  /** By present keys of the account. */
  readonly vouchers: readonly Signature[];
}

/** Keys that one account may have at a time. */
const MOST_KEYS = 50;

/**
 * The keys of accounts. A token alone adds none to an account that has one, and takes none away: a present key has to sign for it.
 * A row is never removed, so that the table is the log of all changes (P10), and a key that was removed does not come back.
 */
export class AccountKeys {
  readonly #records: Records;
  readonly #clock: () => Date;
  #fingerprint: string | undefined;

  constructor(records: Records, clock: () => Date) {
    this.#records = records;
    this.#clock = clock;
  }

  /** Hex SHA-256 of the first root: what names this index in everything that people sign for it. */
  async fingerprint(): Promise<string> {
    this.#fingerprint ??= await firstRootHash(this.#records.read);
    return this.#fingerprint;
  }

  /** Those that were not removed, oldest first. */
  async list(account: string): Promise<readonly AccountKey[]> {
    return await Promise.all((await presentRows(this.#records.read, account)).map(accountKeyOf));
  }

  /** `false`: the account has the key already. @throws HttpError 409, 422 — nothing was changed */
  async add(account: string, { key, label, proof, vouchers }: NewAccountKey): Promise<boolean> {
    const statement = { type: 'holdfast-account-key', index: await this.fingerprint(), account, key } as const;
    const held = await statementSigners(statement, [proof], new Map([[key.keyid, key]]));
    for (const [keyid, problem] of held.problems) throw notHeld(keyid, problem);
    const vouching = await this.#vouching(statement, vouchers);
    return await this.#records.write(async (db) => {
      const before = await rowOf(db, account, key.keyid);
      if (before?.removed_at === null) return false;
      if (before) throw removedBefore(key.keyid);
      const present = await presentRows(db, account);
      if (present.length >= MOST_KEYS) throw tooManyKeys(account, MOST_KEYS);
      const voucher = present.find(({ keyid }) => vouching.has(keyid));
      if (present.length > 0 && !voucher) throw notVouched(account, 'added');
      await db
        .insertInto('account_keys')
        .values({
          account,
          keyid: key.keyid,
          key: keyText(key),
          label,
          added_at: this.#clock().getTime(),
          vouched_by: voucher?.keyid ?? null,
          removed_at: null,
        })
        .execute();
      return true;
    });
  }

  /** From now on the key counts for no new claim. @throws HttpError 404, 422 — nothing was changed */
  async remove(account: string, keyid: string, vouchers: readonly Signature[]): Promise<void> {
    const row = await rowOf(this.#records.read, account, keyid);
    if (!row || row.removed_at !== null) throw unknownKey(account, keyid);
    const { key } = await accountKeyOf(row);
    const type = 'holdfast-account-key-removal';
    const vouching = await this.#vouching({ type, index: await this.fingerprint(), account, key }, vouchers);
    await this.#records.write(async (db) => {
      const present = await presentRows(db, account);
      if (!present.some((each) => each.keyid === keyid)) throw unknownKey(account, keyid);
      if (!present.some((each) => vouching.has(each.keyid))) throw notVouched(account, 'removed');
      await db
        .updateTable('account_keys')
        .set({ removed_at: this.#clock().getTime() })
        .where('account', '=', account)
        .where('keyid', '=', keyid)
        .execute();
    });
  }

  /** The keys of the account whose signature for this is good. Whether they are present still is decided with the change. */
  async #vouching(statement: KeyStatement, vouchers: readonly Signature[]): Promise<ReadonlySet<string>> {
    const present = await this.list(statement.account);
    const keys = new Map(present.map(({ key }) => [key.keyid, key]));
    const { keyids, problems } = await statementSigners(statement, vouchers, keys);
    for (const [keyid, problem] of problems) throw badVoucher(statement.account, keyid, problem);
    return new Set(keyids);
  }
}

/** As the records keep it: canonical JSON, with control characters escaped. */
export function keyText({ json }: PublicKey): string {
  return new TextDecoder().decode(encodeJson(json));
}

/** Of these keyids, those that some account has registered and not removed, with the key as it was registered. */
export async function registeredKeys(
  db: Kysely<Database>,
  keyids: readonly string[],
): Promise<ReadonlyMap<string, { readonly accounts: ReadonlySet<string>; readonly key: string }>> {
  if (keyids.length === 0) return new Map();
  const rows = await db
    .selectFrom('account_keys')
    .select(['account', 'keyid', 'key'])
    .where('keyid', 'in', [...keyids])
    .where('removed_at', 'is', null)
    .execute();
  const found = new Map<string, { accounts: Set<string>; key: string }>();
  for (const { account, keyid, key } of rows) {
    const entry = found.get(keyid) ?? { accounts: new Set<string>(), key };
    found.set(keyid, { ...entry, accounts: entry.accounts.add(account) });
  }
  return found;
}

type Row = Selectable<AccountKeysTable>;

function rowOf(db: Kysely<Database>, account: string, keyid: string): Promise<Row | undefined> {
  return db
    .selectFrom('account_keys')
    .selectAll()
    .where('account', '=', account)
    .where('keyid', '=', keyid)
    .executeTakeFirst();
}

function presentRows(db: Kysely<Database> | Transaction<Database>, account: string): Promise<Row[]> {
  return db
    .selectFrom('account_keys')
    .selectAll()
    .where('account', '=', account)
    .where('removed_at', 'is', null)
    .orderBy('added_at')
    .orderBy('keyid')
    .execute();
}

async function accountKeyOf(row: Row): Promise<AccountKey> {
  const key = await keyOfJson(KeyJson.parse(JSON.parse(row.key)));
  const { label, vouched_by } = row;
  return { key, label, addedAt: new Date(row.added_at), ...(vouched_by !== null && { vouchedBy: vouched_by }) };
}

/** What names the index: hex SHA-256 of its first root. */
export async function firstRootHash(db: Kysely<Database>): Promise<string> {
  const root = await db.selectFrom('roots').select('bytes').orderBy('version').limit(1).executeTakeFirst();
  if (!root) throw new DamagedIndexError('records', 'there is no root');
  return hash('sha256', root.bytes);
}
