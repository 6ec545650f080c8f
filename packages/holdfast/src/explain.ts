import { explain as explainInstaller, InstallerError } from '@holdfast/installer';
import { TufError } from '@holdfast/tuf';
import { UsageError } from './command.ts';

export interface Explanation {
  readonly sentence: string;
  readonly remedy?: string | undefined;
}

/** What a person at the terminal is told about an error: one sentence, then what to do. Never a stack trace. */
export function explain(error: unknown): Explanation {
  if (error instanceof UsageError)
    return { sentence: `${error.message}.`, remedy: 'holdfast help COMMAND shows how it is used.' };
  if (error instanceof InstallerError || error instanceof TufError) return explainInstaller(error);
  if (isSystemError(error)) return explainSystem(error);
  const message = error instanceof Error ? error.message : String(error);
  return { sentence: message, remedy: 'Set HOLDFAST_DEBUG=1 to see where it happened.' };
}

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly syscall: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function explainSystem({ code, path, message }: SystemError): Explanation {
  const subject = path ?? 'A file or address';
  switch (code) {
    case 'ENOENT':
      return { sentence: `${subject} does not exist.`, remedy: 'Check how it is spelled.' };
    case 'EACCES':
    case 'EPERM':
      return { sentence: `${subject} may not be used by this user.`, remedy: 'Check its owner and its permissions.' };
    case 'ENOSPC':
      return { sentence: 'The disk is full; nothing was changed.', remedy: 'Make room and do it again.' };
    case 'EADDRINUSE':
      return { sentence: 'The port is used by another program.', remedy: 'Choose another one with --port.' };
    default:
      return { sentence: message };
  }
}
