import * as z from 'zod';
import type { AccountKey } from '../accounts/account-keys.ts';
import type { Identity } from '../accounts/accounts.ts';
import { keyOfJson, KeyJson, SignatureJson } from '../accounts/key-statement.ts';
import { HttpError } from './http-error.ts';
import { parsedBody } from './json-body.ts';
import type { ServedIndex } from './served-index.ts';

const Vouchers = z.array(SignatureJson).max(10).default([]);

/** The body of `POST /api/v1/account/keys`. */
const NewKeyRequest = z.strictObject({
  key: KeyJson,
  label: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u),
  proof: SignatureJson,
  vouchers: Vouchers,
});

/** The body of `DELETE /api/v1/account/keys/{keyid}`. */
const RemovalRequest = z.strictObject({ vouchers: Vouchers });

/** A key as the API tells it: the key's own JSON stands in it as it is signed. */
export interface KeyAnswer {
  readonly keyid: string;
  readonly key: z.infer<typeof KeyJson>;
  readonly label: string;
  readonly added_at: string;
  readonly vouched_by: string | null;
}

export interface AccountAnswer {
  readonly account: string;
  /** Hex SHA-256 of the first root. */
  readonly index: string;
  readonly keys: readonly KeyAnswer[];
  readonly projects: readonly string[];
}

/**
 * `GET /api/v1/account`. A token for one project may ask too, and is told of no other project: a build server that signs has to know
 * for which account.
 */
export async function accountAnswer(
  index: ServedIndex,
  { account, project }: Pick<Identity, 'account' | 'project'>,
): Promise<AccountAnswer> {
  const [fingerprint, keys, projects] = await Promise.all([
    index.accountKeys.fingerprint(),
    index.accountKeys.list(account),
    index.transactions.projectsOf(account),
  ]);
  const told = projects.filter((each) => project === undefined || each === project);
  return { account, index: fingerprint, keys: keys.map(keyAnswer), projects: told };
}

/** `GET /api/v1/account/keys` @throws HttpError 403 */
export async function keyList(
  index: ServedIndex,
  identity: Identity,
): Promise<{ readonly keys: readonly KeyAnswer[] }> {
  assertWhole(identity);
  return { keys: (await index.accountKeys.list(identity.account)).map(keyAnswer) };
}

/** `POST /api/v1/account/keys` @throws HttpError; then nothing was changed */
export async function addKey(
  index: ServedIndex,
  identity: Identity,
  body: unknown,
): Promise<{ readonly keyid: string; readonly isNew: boolean }> {
  assertWhole(identity);
  const { key: json, ...rest } = parsedBody(NewKeyRequest, body);
  const key = await keyOfJson(json);
  return { keyid: key.keyid, isNew: await index.accountKeys.add(identity.account, { key, ...rest }) };
}

/** `DELETE /api/v1/account/keys/{keyid}` @throws HttpError; then nothing was changed */
export async function removeKey(index: ServedIndex, identity: Identity, keyid: string, body: unknown): Promise<void> {
  assertWhole(identity);
  await index.accountKeys.remove(identity.account, keyid, parsedBody(RemovalRequest, body).vouchers);
}

function keyAnswer({ key, label, addedAt, vouchedBy }: AccountKey): KeyAnswer {
  const { keyid, keytype, scheme } = key;
  return {
    keyid,
    key: { keytype, scheme, keyval: { public: key.public } },
    label,
    added_at: addedAt.toISOString(),
    vouched_by: vouchedBy ?? null,
  };
}

/** A token for one project, as it lies in some CI, decides nothing for the account. */
function assertWhole({ project }: Identity): void {
  if (project === undefined) return;
  const message = `This token is good for ${project} only. Use one of the account that is not limited to a project.`;
  throw new HttpError({ status: 403, code: 'TOKEN_LIMITED', message });
}
