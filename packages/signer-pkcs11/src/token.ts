import { SignerError } from '@holdfast/tuf';
import { failure } from './failure.ts';
import { codeOf, type Handle, type Library, library, loadModule, type Pkcs11 } from './library.ts';

/** Tokens hold few keys; one that claims more is not searched for ever. */
const MAX_OBJECTS = 1000;

export interface KeyName {
  /** CKA_LABEL. */
  readonly label?: string | undefined;
  /** CKA_ID in hex. */
  readonly id?: string | undefined;
}

/** One session with one token, open for as long as {@link withSession} runs. */
export interface Session {
  readonly holder: string;
  readonly p: Library;
  readonly module: Pkcs11;
  readonly handle: Handle;
}

/** Opens a session with the token of that label, and closes it whatever happens. @throws SignerError */
export async function withSession<T>(
  modulePath: string,
  label: string,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const holder = `the token "${label}" (${modulePath})`;
  const module = loadModule(modulePath);
  const p = library(holder);
  try {
    const handle = module.C_OpenSession(slotOf(module, holder, label), p.CKF_SERIAL_SESSION);
    try {
      return await use({ holder, p, module, handle });
    } finally {
      closeSession(module, handle);
    }
  } catch (error) {
    throw failure(holder, p, error);
  }
}

/** The last session that closes ends the login, too: C_Logout would end it for other sessions of this process. */
function closeSession(module: Pkcs11, handle: Handle): void {
  try {
    module.C_CloseSession(handle);
  } catch {
    // a token that was pulled out has no session left to close; what mattered failed or succeeded before
  }
}

function slotOf(module: Pkcs11, holder: string, label: string): Handle {
  const found: Handle[] = [];
  const others: string[] = [];
  for (const slot of module.C_GetSlotList(true)) {
    const name = module.C_GetTokenInfo(slot).label.replace(/[\s\0]+$/, '');
    if (name === label) found.push(slot);
    else if (name !== '') others.push(name);
  }
  if (found.length > 1) throw new SignerError(holder, 'unreachable', 'several tokens have this label');
  if (found[0] !== undefined) return found[0];
  const detail =
    others.length === 0 ? 'there is no token' : `there ${others.length === 1 ? 'is' : 'are'} ${others.join(', ')}`;
  throw new SignerError(holder, 'unreachable', detail);
}

/** Does nothing when another session of this process has logged in already. */
export function login({ module, p, handle }: Session, userType: number, pin: string): void {
  try {
    module.C_Login(handle, userType, pin);
  } catch (error) {
    if (codeOf(error) !== p.CKR_USER_ALREADY_LOGGED_IN) throw error;
  }
}

/** The one object of a class with that name. @throws SignerError (`no-such-key`) when there is none, or several */
export function findObject(session: Session, objectClass: number, name: KeyName): Handle {
  const { holder, p } = session;
  const template = [
    { type: p.CKA_CLASS, value: objectClass },
    ...(name.label === undefined ? [] : [{ type: p.CKA_LABEL, value: name.label }]),
    ...(name.id === undefined ? [] : [{ type: p.CKA_ID, value: Buffer.from(name.id, 'hex') }]),
  ];
  const found = search(session, template);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const wanted = [name.label === undefined ? '' : `"${name.label}"`, name.id === undefined ? '' : `id ${name.id}`];
  const kind = objectClass === p.CKO_PUBLIC_KEY ? 'public' : 'private';
  const detail = `${found.length === 0 ? 'no' : 'more than one'} ${kind} key ${wanted.join(' ').trim()}`;
  throw new SignerError(holder, 'no-such-key', detail);
}

function search({ module, handle }: Session, template: { type: number; value: number | string | Buffer }[]): Handle[] {
  module.C_FindObjectsInit(handle, template);
  try {
    return module.C_FindObjects(handle, MAX_OBJECTS);
  } finally {
    module.C_FindObjectsFinal(handle);
  }
}

/** Attributes as bytes, in the order asked for. */
export function attributes({ module, handle }: Session, object: Handle, types: readonly number[]): Buffer[] {
  return module
    .C_GetAttributeValue(
      handle,
      object,
      types.map((type) => ({ type })),
    )
    .map(({ value }) => value);
}
