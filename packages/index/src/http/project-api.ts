import type { ProjectName } from '@holdfast/python-index';
import { decodeTransaction, MAX_TRANSACTION_BYTES } from '@holdfast/trust';
import { toJson, encodeJson } from '@holdfast/tuf';
import type { IncomingMessage } from 'node:http';
import type { Identity } from '../accounts/accounts.ts';
import type { Submitted } from '../transactions/submit.ts';
import { readBody } from './json-body.ts';
import type { ServedIndex } from './served-index.ts';

/** An answer of the API in JSON. */
export interface Answer {
  readonly status: 200 | 201 | 202;
  readonly json: Uint8Array<ArrayBuffer>;
}

/** `POST /api/v1/projects/{project}/transactions` @throws what `problemOf` understands; then nothing was changed */
export async function postTransaction(
  index: ServedIndex,
  identity: Identity,
  project: ProjectName,
  incoming: IncomingMessage,
): Promise<{ readonly answer: Answer; readonly submitted: Submitted }> {
  const transaction = decodeTransaction(await readBody(incoming, MAX_TRANSACTION_BYTES));
  const submitted = await index.transactions.submit(identity, project, transaction);
  return { answer: answerOf(submitted), submitted };
}

function answerOf(submitted: Submitted): Answer {
  if (submitted.outcome === 'waiting') return { status: 202, json: jsonOf({ waiting: submitted.waiting }) };
  const { timestampVersion, files, standing, claimWaits } = submitted;
  const said = { timestamp_version: timestampVersion, files, standing };
  if (claimWaits) return { status: 202, json: jsonOf({ claim_waits: true, ...said }) };
  return { status: 200, json: jsonOf(said) };
}

/** `GET /api/v1/projects/{project}/status` */
export async function getStatus(
  index: ServedIndex,
  identity: Identity | undefined,
  project: ProjectName,
): Promise<Answer> {
  return { status: 200, json: jsonOf(await index.transactions.status(identity, project)) };
}

/** With Maps in it. */
function jsonOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encodeJson(toJson(value)));
}
