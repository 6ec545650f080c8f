import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { OfflineExpiries } from '../src/offline/expiry.ts';
import { Reminder } from '../src/offline/reminder.ts';
import { serveIndex } from './support/served-index.ts';

const DAY_MS = 86_400_000;

/** Everything that is logged, as the objects of its lines. */
function log(): { readonly lines: Record<string, unknown>[]; readonly logger: pino.Logger } {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { lines, logger: pino({ level: 'info' }, sink) };
}

/** An index of the model maximum whose offline roles are good for a year, seen so many days later. */
async function served(t: TestContext, days: number) {
  let later = 0;
  const clock = (): Date => new Date(Date.now() + later * DAY_MS);
  const { lines, logger } = log();
  const index = await serveIndex(t, {}, { model: 'maximum', clock, logger, lifetimes: { timestamp: 400 * 86_400 } });
  later = days;
  return { ...index, lines, clock };
}

test('operators are reminded on the web page a month before an offline role expires, and not before', async (t) => {
  const early = await served(t, 300);
  assert.doesNotMatch(await (await fetch(`${early.url}/`)).text(), /expires on/);
  const late = await served(t, 340);
  const page = await (await fetch(`${late.url}/`)).text();
  for (const role of ['root', 'targets', 'claimed', 'rarely-updated'])
    assert.match(page, new RegExp(`Operators: ${role} expires on \\d{4}-\\d\\d-\\d\\d`));
});

test('the metric tells of every offline role when the first of it expires', async (t) => {
  const { index } = await served(t, 0);
  const { body: text } = await index.metrics.text();
  for (const role of ['root', 'targets', 'claimed', 'rarely-updated']) {
    const [, seconds] = new RegExp(`holdfast_expires_in_seconds\\{role="${role}"\\} (\\S+)`).exec(text) ?? [];
    assert.ok(Math.abs(Number(seconds) - 365 * 86_400) < 3_600, `${role}: ${seconds}`);
  }
});

test('the log has a line a day for each role that expires soon, and one that has time is not named', async (t) => {
  const { index } = await served(t, 0);
  let now = Date.now() + 340 * DAY_MS;
  const clock = (): Date => new Date(now);
  const { lines, logger } = log();
  t.mock.timers.enable({ apis: ['setInterval'] });
  const expiries = new OfflineExpiries(index.records.read, clock);
  const reminder = new Reminder({ expiries, clock, logger });
  await reminder.close();
  assert.deepEqual(
    lines.map(({ role, days, level }) => [role, days, level]),
    ['root', 'targets', 'claimed', 'rarely-updated'].map((role) => [role, 24, 40]),
  );
  const again = new Reminder({ expiries, clock, logger });
  t.mock.timers.tick(3_600_000);
  await again.close();
  assert.equal(lines.length, 8, 'the same role is told once a day');
  now -= 100 * DAY_MS;
  const before = new Reminder({ expiries, clock, logger });
  await before.close();
  assert.equal(lines.length, 8);
});
