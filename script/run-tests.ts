import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Runs the test files (all, or those that the patterns given name) and ends with a true count; exits with 1 unless every test passed. */
const named = process.argv.slice(2);
const everything = ['packages/*/{src,test}/**/*.test.ts', 'test/**/*.test.ts'];
const files = globSync(named.length > 0 ? named : everything);

const counts = { passed: 0, failed: 0, skipped: 0 };
const tests = run({
  files: files.toSorted(),
  concurrency: availableParallelism(),
  timeout: 10 * 60_000,
  execArgv: ['--conditions=holdfast-source'],
});
tests.on('test:summary', (summary) => {
  if (summary.file !== undefined) return;
  counts.passed = summary.counts.passed;
  counts.failed = summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
  counts.skipped = summary.counts.skipped + summary.counts.todo;
});
for await (const line of tests.compose(spec)) process.stdout.write(String(line));

const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
