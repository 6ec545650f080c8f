import type { HashAlgorithm, SchemeSuite } from '../crypto/port.ts';
import type { PublicKey } from '../model.ts';

interface SchemeEntry {
  /** As securesystemslib writes it first; older files name the ecdsa type like its scheme. */
  readonly keytypes: readonly [string, ...string[]];
  readonly suite: SchemeSuite;
}

/** §4.2 asks for rsassa-pss-sha256, ed25519 and ecdsa-sha2-nistp256; the others are what securesystemslib verifies, too. */
const SCHEMES: ReadonlyMap<string, SchemeEntry> = new Map<string, SchemeEntry>([
  ['ed25519', { keytypes: ['ed25519'], suite: { kind: 'ed25519' } }],
  ['ecdsa-sha2-nistp256', ecdsa('P-256', 'sha256', 'ecdsa-sha2-nistp256')],
  ['ecdsa-sha2-nistp384', ecdsa('P-384', 'sha384', 'ecdsa-sha2-nistp384')],
  ['rsassa-pss-sha256', rsa('rsa-pss', 'sha256')],
  ['rsassa-pss-sha384', rsa('rsa-pss', 'sha384')],
  ['rsassa-pss-sha512', rsa('rsa-pss', 'sha512')],
  ['rsa-pkcs1v15-sha256', rsa('rsa-pkcs1v15', 'sha256')],
  ['rsa-pkcs1v15-sha384', rsa('rsa-pkcs1v15', 'sha384')],
  ['rsa-pkcs1v15-sha512', rsa('rsa-pkcs1v15', 'sha512')],
  // Experimental: TAP 21 is a draft. Key type and scheme as securesystemslib writes them.
  ['ml-dsa-44/1', { keytypes: ['ml-dsa'], suite: { kind: 'ml-dsa-44' } }],
]);

function ecdsa(curve: 'P-256' | 'P-384', hash: HashAlgorithm, olderKeytype: string): SchemeEntry {
  return { keytypes: ['ecdsa', olderKeytype], suite: { kind: 'ecdsa', curve, hash } };
}

function rsa(kind: 'rsa-pss' | 'rsa-pkcs1v15', hash: HashAlgorithm): SchemeEntry {
  return { keytypes: ['rsa'], suite: { kind, hash } };
}

/** How a key verifies; `undefined` for a scheme that is not known, or that does not go with the key's type. */
export function suiteOf(key: Pick<PublicKey, 'keytype' | 'scheme'>): SchemeSuite | undefined {
  const entry = SCHEMES.get(key.scheme);
  return entry?.keytypes.includes(key.keytype) === true ? entry.suite : undefined;
}

/** The key type that new keys of a scheme are written with. */
export function keytypeOf(scheme: string): string | undefined {
  return SCHEMES.get(scheme)?.keytypes[0];
}

/**
 * The hash that a key's scheme computes before it signs: what a token or a service is given where it takes a digest.
 * `undefined` for ed25519, which signs the content itself, and for ml-dsa, whose payload is not a plain digest.
 */
export function hashOf(key: Pick<PublicKey, 'keytype' | 'scheme'>): HashAlgorithm | undefined {
  const suite = suiteOf(key);
  return suite !== undefined && 'hash' in suite ? suite.hash : undefined;
}
