export { pkcs11Signer, type Pkcs11SignerOptions } from './signer.ts';
export type { KeyName } from './token.ts';
