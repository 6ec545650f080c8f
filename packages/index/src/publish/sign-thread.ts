import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { binRoleJson, type TreeKeys } from '@holdfast/trust';
import { type Signer, signMetadata } from '@holdfast/tuf';
import { isLocalScheme, localSigner } from '@holdfast/tuf/node';
import type { LocalKey, OnlineTop } from './signing-keys.ts';
import type { RoleToSign } from './sign-roles.ts';

/** What a thread needs to know once. */
export interface SigningFacts {
  readonly top: OnlineTop;
  readonly keys: readonly LocalKey[];
  readonly delegation: TreeKeys;
}

/** The file of each role, in the same order, with its digest in lower-case hex. */
export type SigningReply =
  | readonly { readonly bytes: Uint8Array; readonly sha256: string }[]
  | { readonly failure: string };

/** Signs roles of bin trees: from what they hold to the bytes that everyone fetches. */
const port = parentPort;
if (!port) throw new TypeError('roles are signed in a worker thread');
const trees = new Map(
  (workerData as readonly SigningFacts[]).map(({ top, keys, delegation }) => {
    return [top, { delegation, signers: Promise.all(keys.map(signerOf)) }];
  }),
);

port.on('message', (roles: readonly RoleToSign[]) => {
  signAll(roles).then(
    (signed) =>
      port.postMessage(
        signed satisfies SigningReply,
        signed.map(({ bytes }) => bytes.buffer as ArrayBuffer),
      ),
    (error: unknown) => port.postMessage({ failure: String(error) } satisfies SigningReply),
  );
});

async function signAll(roles: readonly RoleToSign[]): Promise<{ bytes: Uint8Array; sha256: string }[]> {
  const all: { bytes: Uint8Array; sha256: string }[] = [];
  for (const { top, bin, version, expires } of roles) {
    const tree = trees.get(top);
    if (!tree) throw new TypeError(`nobody said who signs ${top}`);
    const signed = binRoleJson(top, bin, version, expires, tree.delegation);
    const bytes = await signMetadata(signed, await tree.signers);
    all.push({ bytes, sha256: hash('sha256', bytes) });
  }
  return all;
}

/** The keyid is that of the metadata, which may be any string (TAP 12). */
async function signerOf({ keyid, scheme, privateKey }: LocalKey): Promise<Signer> {
  if (!isLocalScheme(scheme)) throw new TypeError(`no local key has the scheme ${scheme}`);
  const signer = await localSigner(privateKey, scheme);
  return { key: { ...signer.key, keyid }, sign: (data) => signer.sign(data) };
}
