import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callService, problemOfHttpStatus, SignerError } from '@holdfast/tuf';

const refused = () => 'refused' as const;

describe('a call to a service that holds keys', () => {
  it('gives its answer, or says in one line what the library said', async () => {
    assert.equal(await callService('the service', 1000, refused, async () => 7), 7);
    const error = new Error(`no\n\u001b[2J ${'x'.repeat(1000)}`);
    await assert.rejects(
      callService('the service', 1000, refused, () => Promise.reject(error)),
      (thrown: Error) => {
        assert.ok(thrown instanceof SignerError);
        assert.equal(thrown.cause, error);
        assert.match(thrown.message, /^the service refused to sign: no \[2J x{10,300}$/);
        return true;
      },
    );
  });

  it('ends in time, whether the library listens to the signal or not', async () => {
    const deaf = callService('the service', 20, refused, () => new Promise(() => setTimeout(() => undefined, 100)));
    await assert.rejects(deaf, { problem: 'timeout', message: /within 20 ms/ });
    const listening = callService('the service', 20, refused, (signal) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      setTimeout(() => undefined, 100); // AbortSignal.timeout alone keeps no process alive
      return promise;
    });
    await assert.rejects(listening, { problem: 'timeout' });
  });

  it('leaves errors of this package as they are', async () => {
    const own = new SignerError('the service', 'no-such-key', '');
    await assert.rejects(
      callService('the service', 1000, refused, () => Promise.reject(own)),
      own,
    );
  });

  it('means by an HTTP status what a caller can act on', () => {
    const statuses = [undefined, 200, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503];
    assert.deepEqual(statuses.map(problemOfHttpStatus), [
      'unreachable',
      'invalid-answer',
      'invalid-answer',
      'refused',
      'refused',
      'refused',
      'no-such-key',
      'unsupported',
      'unreachable',
      'refused',
      'unreachable',
      'unreachable',
    ]);
  });
});
