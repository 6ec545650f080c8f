import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tuf from '@holdfast/tuf';
import { InvalidTargetError, OtherIndexError } from '@holdfast/trust';
import * as errors from './errors.ts';
import { explain } from './messages.ts';

const now = new Date('2035-01-02T03:04:05Z');
const unreachable = new errors.UnreachableError('https://a.example/', 'nothing listens there');
const samples: readonly Error[] = [
  new tuf.RollbackError('timestamp', 7, 6),
  new tuf.RollbackError('unclaimed', 7, undefined),
  new tuf.ExpiredError('timestamp', now, now),
  new tuf.ClockError(now, now),
  new tuf.UnsignedMetadataError('root', 2, 1, new Map()),
  new tuf.RoleRevokedError('unclaimed', 2),
  new OtherIndexError('project.demo', 'ab', 'cd'),
  new OtherIndexError('project.demo', 'ab', undefined),
  new tuf.MismatchError('snapshot', 3, 4),
  new tuf.MissingMetadataError('unclaimed'),
  new tuf.HashMismatchError('snapshot.json', 'sha256', 'a', 'b'),
  new tuf.LengthMismatchError('snapshot.json', 10, undefined),
  new tuf.FormatError('signed', 'is missing'),
  new tuf.NotFoundError('3.snapshot.json'),
  new tuf.NetworkError('timestamp.json', 'down'),
  new tuf.LimitError('the listing', 32),
  new tuf.LockTimeoutError('/x', 10),
  new tuf.KeyError('ab', 'unknown scheme'),
  new InvalidTargetError('a/b/c', 'no hash'),
  new errors.WrongContentError('x.whl', 'sha256', 'a', 'b'),
  new errors.MirrorsFailedError('demo', [{ mirror: 'https://a.example/', error: unreachable }], unreachable),
  new errors.OfflineMissingError('demo', [{ mirror: 'https://a.example/', error: unreachable }], unreachable),
  new errors.NotVouchedError('main', 'x.whl', 'it is not listed'),
  new errors.ClockBehindError('main', 'x.whl', now, now),
  new errors.HostNotTrustedError('x.example'),
  new errors.HostNotTrustedError('x.example', 'main'),
  unreachable,
  new errors.AbsentError('https://a.example/x', 404),
  new errors.MisbehavedError('https://a.example/x', 'too long'),
  new errors.NoTrustError(),
  new errors.NoTrustError('main'),
  new errors.AmbiguousIndexError(['a', 'b']),
  new errors.TrustExistsError('main'),
  new errors.RootMismatchError('ab', ['cd']),
  new errors.InvalidInputError('address', 'x', 'is no address'),
  new errors.ToolMissingError('pip'),
  new errors.UnsafeSettingError('--proxy', 'the command line'),
  new Error('bug'),
];

test('every error becomes a whole sentence and a remedy, without code words and stack traces', () => {
  for (const error of samples) {
    const { sentence, remedy } = explain(error);
    assert.match(sentence, /^(["“A-Z]|https?:|[a-z0-9.-]+(\.json)? |address ).*\.$/s, `${error.name}: ${sentence}`);
    assert.ok(remedy.length > 10, error.name);
    assert.doesNotMatch(sentence + remedy, /undefined|\[object|Error:|NaN/, error.name);
  }
});

test('what a server chose to say cannot steer the terminal or fill it', () => {
  const { sentence } = explain(new tuf.FormatError('signed.\u001b[2J\u202e\r\n', 'x'.repeat(100_000)));
  assert.doesNotMatch(sentence, /[\p{Cc}\p{Cf}]/u);
  assert.ok(sentence.length <= 2_000);
});

test('a refused host comes with the long name of the unsafe way round (P14)', () => {
  assert.match(
    explain(new errors.HostNotTrustedError('x.example:443')).remedy,
    /--unsafe-allow-unverified-host x\.example$/,
  );
});
