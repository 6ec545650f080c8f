import { LockTimeoutError } from '@holdfast/tuf';
import { withFileLock } from '@holdfast/tuf/node';
import { IndexInUseError } from './errors.ts';

/** The right to sign for an index, held by one process. */
export interface Held {
  release(): Promise<void>;
}

/** Takes the right until `release`, or until this process ends in whatever way. @throws IndexInUseError */
export function holdIndex(directory: string, lock: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    let release = (): void => {};
    const released = new Promise<void>((done) => {
      release = done;
    });
    const holding = withFileLock(
      lock,
      async () => {
        resolve({
          async release() {
            release();
            await holding;
          },
        });
        await released;
      },
      { timeoutMs: 0 },
    );
    holding.catch((cause: unknown) =>
      reject(cause instanceof LockTimeoutError ? new IndexInUseError(directory, { cause }) : cause),
    );
  });
}
