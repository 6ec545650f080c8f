import { hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { envelopeBytes } from '@holdfast/tuf';
import { isLocalScheme, localSigner } from '@holdfast/tuf/node';
import { listedVersions } from '@holdfast/trust';
import { flatEntry, flatSigned } from './flat-text.ts';
import type { LocalKey } from './signing-keys.ts';

/** To the thread: cells of the tree, one behind the other, as often as there are some; then the rest of what it needs. */
export type FlatRequest = Uint8Array | FlatOrder;

export interface FlatOrder {
  readonly version: number;
  readonly expires: Date;
  /** Roles that the tree does not list. */
  readonly retired: readonly (readonly [role: string, version: number])[];
  /** Private keys that are in this process; without them the signed part comes back unsigned. */
  readonly signers: readonly LocalKey[];
}

/** Only `signed`, or the whole file with its digest in lower-case hex. */
export type FlatReply = { readonly signed: Uint8Array } | { readonly file: Uint8Array; readonly sha256: string };

/** Makes one flat snapshot and ends: a million names are sorted, hashed and signed without holding up a request. */
const port = parentPort;
if (!port) throw new TypeError('flat snapshots are made in a worker thread');
const entries: string[] = [];

port.on('message', (request: FlatRequest) => {
  if (request instanceof Uint8Array) {
    for (const listed of listedVersions(request)) entries.push(flatEntry(listed));
    return;
  }
  void answer(request);
});

async function answer(order: FlatOrder): Promise<void> {
  const reply = await finish(order);
  port?.postMessage(reply, [('file' in reply ? reply.file : reply.signed).buffer as ArrayBuffer]);
  port?.close();
}

async function finish({ version, expires, retired, signers }: FlatOrder): Promise<FlatReply> {
  for (const [role, version] of retired) entries.push(flatEntry({ role, version }));
  const signed = flatSigned(entries, { version, expires });
  entries.length = 0;
  if (signers.length === 0) return { signed };
  const signatures: { keyid: string; sig: string }[] = [];
  for (const { keyid, scheme, privateKey } of signers) {
    if (!isLocalScheme(scheme)) throw new TypeError(`no local key has the scheme ${scheme}`);
    const signer = await localSigner(privateKey, scheme);
    signatures.push({ keyid, sig: Buffer.from(await signer.sign(signed)).toString('hex') });
  }
  const file = envelopeBytes(signed, signatures);
  return { file, sha256: hash('sha256', file) };
}
