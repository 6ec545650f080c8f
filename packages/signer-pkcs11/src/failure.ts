import { SignerError, type SignerProblem } from '@holdfast/tuf';
import { codeOf, type Library } from './library.ts';

/** What a CKR_… code means to a caller; codes that stand nowhere here count as a refusal, and are named. */
function problems(p: Library): ReadonlyMap<number, SignerProblem> {
  const gone = [
    p.CKR_TOKEN_NOT_PRESENT,
    p.CKR_TOKEN_NOT_RECOGNIZED,
    p.CKR_DEVICE_REMOVED,
    p.CKR_DEVICE_ERROR,
    p.CKR_GENERAL_ERROR,
    p.CKR_SLOT_ID_INVALID,
    p.CKR_SESSION_CLOSED,
    p.CKR_SESSION_HANDLE_INVALID,
  ];
  const cannot = [
    p.CKR_MECHANISM_INVALID,
    p.CKR_MECHANISM_PARAM_INVALID,
    p.CKR_FUNCTION_NOT_SUPPORTED,
    p.CKR_KEY_TYPE_INCONSISTENT,
    p.CKR_KEY_FUNCTION_NOT_PERMITTED,
    p.CKR_KEY_SIZE_RANGE,
    p.CKR_DATA_LEN_RANGE,
    p.CKR_DATA_INVALID,
  ];
  const wrongPin = [p.CKR_PIN_INCORRECT, p.CKR_PIN_INVALID, p.CKR_PIN_LEN_RANGE];
  return new Map<number, SignerProblem>([
    ...gone.map((code) => [code, 'unreachable'] as const),
    ...cannot.map((code) => [code, 'unsupported'] as const),
    ...wrongPin.map((code) => [code, 'pin-wrong'] as const),
    [p.CKR_PIN_LOCKED, 'pin-locked'],
  ]);
}

/** The error of this package for one of the binding; its own errors stay as they are. */
export function failure(holder: string, library: Library, error: unknown): unknown {
  if (error instanceof SignerError) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  const detail = error instanceof Error ? error.message : String(code);
  return new SignerError(holder, problems(library).get(code) ?? 'refused', detail, error);
}
