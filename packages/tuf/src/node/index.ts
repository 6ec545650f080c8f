export { type AtomicWriteOptions, syncDirectory, writeFileAtomic } from './atomic-file.ts';
export { DirectoryStorage } from './directory-storage.ts';
export { digestFor } from './digest.ts';
export { environmentSigner, type EnvironmentSignerOptions } from './environment-signer.ts';
export { FileMetadataStore, type FileMetadataStoreOptions } from './file-store.ts';
export { type LockOptions, withFileLock } from './file-lock.ts';
export { nodeFetch } from './http-fetch.ts';
export { publicKeyFromJwk } from './jwk.ts';
export { readKeyFile, writeKeyFile } from './key-file.ts';
export {
  type ExperimentalScheme,
  generateExperimentalKey,
  generateKey,
  type LocalScheme,
  isLocalScheme,
  type LocalSigner,
  localSigner,
} from './local-signer.ts';
export { type AgentKey, listAgentKeys, type SshAgentOptions, sshAgentSigner } from './ssh-agent.ts';
export { vaultSigner, type VaultSignerOptions } from './vault-signer.ts';
