import { createRequire } from 'node:module';
import { SignerError } from '@holdfast/tuf';
import type * as pkcs11js from 'pkcs11js';

export type Library = typeof pkcs11js;
export type Pkcs11 = InstanceType<Library['PKCS11']>;
export type Handle = Buffer;

/** The native binding, loaded when it is first used: it may be installed, but not compiled. */
export function library(holder: string): Library {
  try {
    return createRequire(import.meta.url)('pkcs11js') as Library;
  } catch (cause) {
    const detail = 'pkcs11js is not compiled; `npm rebuild pkcs11js` does that, with a C++ compiler at hand';
    throw new SignerError(holder, 'unreachable', detail, cause);
  }
}

/** PKCS #11 allows one initialisation in a process, so modules stay loaded until it ends. */
const loaded = new Map<string, Pkcs11>();

/** @throws SignerError (`unreachable`) when it is not a PKCS #11 module */
export function loadModule(path: string): Pkcs11 {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const holder = `the PKCS #11 module ${path}`;
  const { CKF_OS_LOCKING_OK, CKR_CRYPTOKI_ALREADY_INITIALIZED, PKCS11 } = library(holder);
  const module = new PKCS11();
  try {
    module.load(path);
    initialize(() => module.C_Initialize({ flags: CKF_OS_LOCKING_OK }), CKR_CRYPTOKI_ALREADY_INITIALIZED);
  } catch (cause) {
    throw new SignerError(holder, 'unreachable', cause instanceof Error ? cause.message : '', cause);
  }
  loaded.set(path, module);
  return module;
}

/** Somebody else in this process may use the same module. */
function initialize(run: () => void, already: number): void {
  try {
    run();
  } catch (error) {
    if (codeOf(error) !== already) throw error;
  }
}

/** The CKR_… number of an error of the binding. */
export function codeOf(error: unknown): number | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'number' ? code : undefined;
}
