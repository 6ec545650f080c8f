import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Handle, library, loadModule, type Pkcs11 } from '../src/library.ts';

export const TOKEN = 'Holdfast test';
export const PIN = 'correct horse';

const PLACES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

/** A new SoftHSM with one token in a directory of its own. One for each process: a module initialises once. */
export interface SoftHsm {
  readonly module: string;
  /** Where the token's files are. */
  readonly tokens: string;
  /** Makes a key pair, as `pkcs11-tool --keypairgen` does. */
  makeKey(kind: keyof typeof KINDS, label: string, options?: KeyOptions): void;
  remove(): void;
}

interface KeyOptions {
  readonly id?: number;
  readonly alwaysAuthenticate?: boolean;
  readonly publicOnly?: boolean;
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const KINDS = {
  ed25519: { mechanism: 0x1055, parameters: hex('130c656477617264733235353139') },
  'P-256': { mechanism: 0x1040, parameters: hex('06082a8648ce3d030107') },
  'P-384': { mechanism: 0x1040, parameters: hex('06052b81040022') },
  'P-521': { mechanism: 0x1040, parameters: hex('06052b81040023') },
  'RSA-1024': { mechanism: 0x0000, bits: 1024 },
  'RSA-2048': { mechanism: 0x0000, bits: 2048 },
  'RSA-4096': { mechanism: 0x0000, bits: 4096 },
} as const;

export function softHsm(): SoftHsm {
  const module = PLACES.find((place) => existsSync(place));
  if (module === undefined) throw new Error(`SoftHSM is none of ${PLACES.join(', ')}; script/setup installs it`);
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-softhsm-'));
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens);
  const configuration = join(directory, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  initToken(TOKEN, PIN);
  return {
    module,
    tokens,
    makeKey: (kind, label, options = {}) => makeKey(loadModule(module), kind, label, options),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** Only before the module is loaded: SoftHSM looks for tokens once. */
export function initToken(label: string, pin: string): void {
  const args = ['--init-token', '--free', '--label', label, '--so-pin', 'so-pin', '--pin', pin];
  execFileSync('softhsm2-util', args, { stdio: 'pipe' });
}

function makeKey(module: Pkcs11, kind: keyof typeof KINDS, label: string, options: KeyOptions): void {
  const p = library('the test');
  const session = module.C_OpenSession(tokenSlot(module), p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
  try {
    module.C_Login(session, p.CKU_USER, PIN);
    const named = [
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_LABEL, value: label },
      { type: p.CKA_ID, value: Buffer.of(options.id ?? 1) },
    ];
    const what = KINDS[kind];
    const size =
      'bits' in what
        ? { type: p.CKA_MODULUS_BITS, value: what.bits }
        : { type: p.CKA_EC_PARAMS, value: what.parameters };
    const pair = module.C_GenerateKeyPair(
      session,
      { mechanism: what.mechanism },
      [...named, size, { type: p.CKA_VERIFY, value: true }, ...exponent(what, p.CKA_PUBLIC_EXPONENT)],
      [
        ...named,
        { type: p.CKA_SIGN, value: true },
        { type: p.CKA_PRIVATE, value: true },
        { type: p.CKA_SENSITIVE, value: true },
        { type: p.CKA_ALWAYS_AUTHENTICATE, value: options.alwaysAuthenticate ?? false },
      ],
    );
    if (options.publicOnly === true) module.C_DestroyObject(session, pair.privateKey);
  } finally {
    module.C_CloseSession(session);
  }
}

function exponent(what: object, type: number): { type: number; value: Buffer }[] {
  return 'bits' in what ? [{ type, value: hex('010001') }] : [];
}

export function tokenSlot(module: Pkcs11): Handle {
  const slot = module.C_GetSlotList(true).find((candidate) => module.C_GetTokenInfo(candidate).label.trim() === TOKEN);
  if (slot === undefined) throw new Error('the test token is gone');
  return slot;
}
