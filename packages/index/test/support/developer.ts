import assert from 'node:assert/strict';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  defaultProjectExpiry,
  encodeTransaction,
  projectBin,
  ProjectRoleEditor,
  projectRole,
  type ProjectTransaction,
} from '@holdfast/trust';
import { type PublicKey, type Signature, type Signer, signMetadata } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import { type KeyStatementType, statementBytes } from '../../src/accounts/key-statement.ts';
import { binNumber, distributionOf } from '../../src/publish/file-rows.ts';
import { loadProject } from '../../src/transactions/project-record.ts';
import type { ServedIndexUnderTest } from './served-index.ts';
import { basic, upload } from './upload.ts';
import type { Distribution } from './wheel.ts';

type Served = Pick<ServedIndexUnderTest, 'index' | 'url'>;

/** An account with a token, and a key that it registered. */
export interface Developer {
  readonly account: string;
  readonly token: string;
  readonly signer: LocalSigner;
}

/** What the API answered. */
export interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Asks the API as programs do. */
export async function ask(
  { url }: Pick<Served, 'url'>,
  token: string | undefined,
  request: `${'GET' | 'POST' | 'DELETE'} ${string}`,
  body?: unknown,
): Promise<Told> {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: token === undefined ? {} : { Authorization: basic(token) },
    ...(body !== undefined && { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** `422 CODE` of a refusal, `200` of anything else. */
export function verdict({ status, body }: Told): string {
  return typeof body['code'] === 'string' ? `${status} ${body['code']}` : String(status);
}

/** An account that signs for a key to be registered, or removed. */
export async function keySignature(
  { index }: Pick<Served, 'index'>,
  account: string,
  key: PublicKey,
  signer: Signer,
  type: KeyStatementType = 'holdfast-account-key',
): Promise<Signature> {
  const statement = { type, index: await index.accountKeys.fingerprint(), account, key };
  const sig = Buffer.from(await signer.sign(statementBytes(statement))).toString('hex');
  return { keyid: signer.key.keyid, sig };
}

/** Registers a key over HTTP, with a present key of the account if there is one. */
export async function registerKey(
  served: Served,
  { account, token }: Pick<Developer, 'account' | 'token'>,
  signer: Signer,
  voucher?: Signer,
): Promise<Told> {
  const { key } = signer;
  return await ask(served, token, 'POST account/keys', {
    key: { keytype: key.keytype, scheme: key.scheme, keyval: { public: key.public } },
    label: `the key of ${account}`,
    proof: await keySignature(served, account, key, signer),
    vouchers: voucher ? [await keySignature(served, account, key, voucher)] : [],
  });
}

/** Makes an account, a token of it, and a key that it registers. */
export async function makeDeveloper(served: Served, account: string): Promise<Developer> {
  if (account !== 'ann') await served.index.accounts.createAccount(account);
  const { token } = await served.index.accounts.createToken({ account, label: 'everything' });
  const developer = { account, token, signer: await generateKey('ed25519') };
  const { status, body } = await registerKey(served, developer, developer.signer);
  assert.equal(status, 201, JSON.stringify(body));
  return developer;
}

/** Uploads a file that waits, as `holdfast upload` does. */
export async function stage({ url }: Pick<Served, 'url'>, { token }: Developer, file: Distribution): Promise<void> {
  const response = await upload({ url, token }, file, { holdfast_stage: 'true' });
  assert.equal(response.status, 200, response.statusText);
}

export interface Project {
  readonly name: ProjectName;
  readonly role: string;
}

export const projectNamed = (name: string): Project => {
  const project = normalizeName(name);
  return { name: project, role: projectRole(project) };
};

/** What the status says, to a holder of this token. */
export async function statusOf(
  served: Pick<Served, 'url'>,
  name: string,
  token?: string,
): Promise<Record<string, unknown>> {
  const { status, body } = await ask(served, token, `GET projects/${name}/status`);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** The next version of the project's own role: all that is staged is listed with what is published. */
export async function signRelease(
  served: Served,
  { name, role }: Project,
  signers: readonly Signer[],
  edit: (editor: ProjectRoleEditor) => void = () => {},
): Promise<Uint8Array> {
  const { files, state } = await loadProject(served.index.records.read, name);
  const editor = new ProjectRoleEditor(role, state.roles.get(role), state.retired?.get(role));
  for (const row of files.values()) editor.setFile(distributionOf(row));
  edit(editor);
  return await signMetadata(editor.build(defaultProjectExpiry(new Date())), signers);
}

/** A claim of the project with everything that is there of it. */
export async function claimOf(
  served: Served,
  project: Project,
  signers: readonly Signer[],
  { threshold = 1, signing = signers }: { readonly threshold?: number; readonly signing?: readonly Signer[] } = {},
): Promise<ProjectTransaction> {
  const keys = new Map(signers.map(({ key }) => [key.keyid, key]));
  const metadata = await signRelease(served, project, signing);
  return { claim: { keys, threshold }, roles: new Map([[project.role, metadata]]) };
}

export async function send(
  served: Pick<Served, 'url'>,
  { token }: Pick<Developer, 'token'>,
  { name }: Pick<Project, 'name'>,
  transaction: ProjectTransaction,
): Promise<Told> {
  return await ask(served, token, `POST projects/${name}/transactions`, encodeTransaction(transaction));
}

/** A developer who has claimed a project with these files. */
export async function claimed(
  served: Served,
  developer: Developer,
  name: string,
  files: readonly Distribution[] = [],
): Promise<Project> {
  const project = projectNamed(name);
  for (const file of files) await stage(served, developer, file);
  const told = await send(served, developer, project, await claimOf(served, project, [developer.signer]));
  assert.equal(told.status, 200, JSON.stringify(told.body));
  return project;
}

/** Records that a project is listed as rarely updated, as after an offline signing: what it gets waits for the next one. */
export async function makeQuiet({ index }: Pick<Served, 'index'>, { name }: Pick<Project, 'name'>): Promise<void> {
  const place = { project: name, bin: binNumber(projectBin(name)), standing: 'rarely-updated' } as const;
  const nobody = { role: null, keys: null, threshold: null, account: null, revoked_at: null };
  await index.records.write((db) =>
    db
      .insertInto('standings')
      .values({ ...place, ...nobody, rotations: 0, generation: 1, since: 1 })
      .execute(),
  );
}
