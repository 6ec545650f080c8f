/** What opens a key, and how a person is asked for it. */
export interface SecretRequest {
  /** `phrase` makes a key, `passphrase` opens a file, `pin` lets a token sign. */
  readonly kind: 'phrase' | 'passphrase' | 'pin';
  /** What is asked for, such as `Passphrase of release.key`. */
  readonly prompt: string;
  /** It is a new one: have it typed twice. */
  readonly isNew?: boolean;
}

/** Asks a person at the terminal, or takes what was given in another way. What it returns never leaves this machine. */
export type AskSecret = (request: SecretRequest) => Promise<string>;
