import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { python } from './python.ts';

const SIGN = `
import json, sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key
given = json.load(sys.stdin)
key = load_pem_private_key(given["key"].encode(), None)
algorithm = getattr(hashes, given["hash"].upper())()
hashed = Prehashed(algorithm)
digest = bytes.fromhex(given["digest"])
if isinstance(key, ec.EllipticCurvePrivateKey):
    signature = key.sign(digest, ec.ECDSA(hashed))
elif given["pss"]:
    signature = key.sign(digest, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), hashed)
else:
    signature = key.sign(digest, padding.PKCS1v15(), hashed)
print(json.dumps(signature.hex()))
`;

/** What a service does that is sent digests; Node's own functions sign content only. */
export function signDigest(privateKey: KeyObject, hash: string, digest: Uint8Array, pss: boolean): Buffer {
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const signature = python(SIGN, { key, hash, digest: Buffer.from(digest).toString('hex'), pss });
  assert.ok(typeof signature === 'string');
  return Buffer.from(signature, 'hex');
}
