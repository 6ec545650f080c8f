import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { StatementSync } from 'node:sqlite';

/**
 * Preloaded into a process and its threads: ends it by SIGKILL just before its KILL_AT-th lasting step, which is a transaction of records
 * or an object that gets its name. Every step is a byte in the file KILL_STEPS.
 */
const [steps = '', at = ''] = [process.env['KILL_STEPS'], process.env['KILL_AT']];

function step(): void {
  const file = fs.openSync(steps, 'a+');
  fs.writeSync(file, '.');
  const { size } = fs.fstatSync(file);
  fs.closeSync(file);
  if (size === Number(at)) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['rename', 'link'] as const) {
  const original = fs.promises[name];
  fs.promises[name] = async (...args) => {
    step();
    return await original(...args);
  };
}
for (const name of ['renameSync', 'linkSync'] as const) {
  const original = fs[name];
  fs[name] = (...args) => {
    step();
    return original(...args);
  };
}
syncBuiltinESMExports();

// Called with the statement that it belongs to.
// oxlint-disable-next-line typescript/unbound-method
const run = StatementSync.prototype.run;
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<StatementSync['run']>) {
  if (this.sourceSQL === 'commit') step();
  return run.apply(this, values);
} as StatementSync['run'];
