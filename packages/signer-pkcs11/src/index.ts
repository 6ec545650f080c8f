export { pkcs11Signer, type Pkcs11SignerOptions } from './signer.ts';
