import { rootJson, type Signer, signMetadata, verifySignatures, parseRoot } from '@holdfast/tuf';
import { DAY_MS } from './repository.ts';
import { python } from './python.ts';

const JUDGE = `
import base64, json, sys
from tuf.api.metadata import Metadata, Root
root = Metadata[Root].from_bytes(base64.b64decode(json.load(sys.stdin)))
result = root.signed.get_verification_result("root", root.signed_bytes, root.signatures)
print(json.dumps({"verified": result.verified, "signed": sorted(result.signed)}))
`;

/**
 * Root metadata that needs the signature of every one of these signers, made, verified by this package, and verified by python-tuf.
 * @returns what python-tuf says: whether the threshold is met, and the keyids whose signatures it accepts, in order
 */
export async function judgedRoot(signers: readonly Signer[]): Promise<{ ours: number; python: unknown }> {
  const keyids = signers.map(({ key }) => key.keyid);
  const role = { keyids, threshold: keyids.length };
  const signed = rootJson({
    version: 1,
    expires: new Date(Date.now() + DAY_MS),
    consistentSnapshot: true,
    keys: signers.map(({ key }) => key),
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  });
  const bytes = await signMetadata(signed, signers);
  const root = parseRoot(bytes);
  const ours = await verifySignatures(root, root.signed.keys, role);
  return { ours, python: python(JUDGE, Buffer.from(bytes).toString('base64')) };
}

/** What {@link judgedRoot} returns when everybody accepts every signature. */
export function accepted(signers: readonly Signer[]): { ours: number; python: unknown } {
  return {
    ours: signers.length,
    python: { verified: true, signed: signers.map(({ key }) => key.keyid).toSorted() },
  };
}
