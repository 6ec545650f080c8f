import { keysToJson, type ProjectTransaction, type WaitingFor } from '@holdfast/trust';
import type { JsonObject, JsonValue } from '@holdfast/tuf';
import type { ApiAnswer } from '../account/index-api.ts';
import { asArray, asInteger, asObject, asText } from '../json-fields.ts';

/** What became of a transaction that was not refused. */
export type TransactionAnswer =
  /** It is in signed metadata, which installers get with that timestamp or a later one. */
  | { readonly state: 'published'; readonly timestampVersion: number; readonly standing: string }
  /** A claim that counts from the next offline signing on: until then the project stays as it is. */
  | { readonly state: 'recorded'; readonly timestampVersion: number }
  /** It is kept until others have signed. */
  | { readonly state: 'waiting'; readonly waiting: ReadonlyMap<string, WaitingFor> };

/** The body of `POST /api/v1/projects/{project}/transactions`: docs/formats/project-transaction.md. */
export function transactionBody({ claim, roles, rotation }: ProjectTransaction): Readonly<Record<string, unknown>> {
  return {
    ...(claim && { claim: { keys: keysToJson(claim.keys), threshold: claim.threshold } }),
    roles: new Map([...roles].map(([role, bytes]) => [role, textOf(bytes)])),
    ...(rotation && { rotation: textOf(rotation) }),
  };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** @throws FieldError */
export function readTransactionAnswer({ status, body }: ApiAnswer): TransactionAnswer {
  if (body.get('claim_waits') === true)
    return { state: 'recorded', timestampVersion: asInteger(body.get('timestamp_version'), 'timestamp_version') };
  if (status === 202) {
    const waiting = asObject(body.get('waiting'), 'waiting');
    return {
      state: 'waiting',
      waiting: new Map([...waiting].map(([role, value]) => [role, readWaitingFor(value, role)])),
    };
  }
  return {
    state: 'published',
    timestampVersion: asInteger(body.get('timestamp_version'), 'timestamp_version'),
    standing: asText(body.get('standing'), 'standing'),
  };
}

export function readWaitingFor(value: JsonValue, role: string): WaitingFor {
  const waiting: JsonObject = asObject(value, role);
  return {
    signed: asArray(waiting.get('signed'), `${role}.signed`).map((keyid) => asText(keyid, `${role}.signed`)),
    threshold: asInteger(waiting.get('threshold'), `${role}.threshold`),
  };
}
