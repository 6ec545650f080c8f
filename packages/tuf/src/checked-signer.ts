import { SignerError } from './errors.ts';
import { verifyKeyOf } from './keys/verify-key.ts';
import type { PublicKey } from './model.ts';
import type { Signer } from './sign.ts';

/**
 * A signer around somebody else's answer: every signature is verified before it is returned, so that a holder which
 * is broken, lies, or changed its key is noticed here and not by the clients of what was published.
 * @param holder who signs, for error messages: `the SSH agent at /run/agent`
 * @throws SignerError (`invalid-signature`) from `sign`, beside what the given function throws
 */
export function checkedSigner(holder: string, key: PublicKey, sign: (data: Uint8Array) => Promise<Uint8Array>): Signer {
  return {
    key,
    async sign(data) {
      const { verify } = await verifyKeyOf(key);
      const signature = await sign(data);
      if (await verify(data, signature)) return signature;
      throw new SignerError(holder, 'invalid-signature', `it is not one by key ${key.keyid}`);
    },
  };
}
