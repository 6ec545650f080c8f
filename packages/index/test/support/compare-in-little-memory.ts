import { Worktable } from '../../src/recover/worktable.ts';
import { layOutTestimony, testimonyOfFile } from '../../src/recover/testimony.ts';
import { mergeProjects } from '../../src/recover/merge-projects.ts';
import { readProjects } from '../../src/recover/read-projects.ts';
import { projectAfter, reportProject } from '../../src/recover/compare.ts';
import { SqliteRecords } from '../../src/records/sqlite-records.ts';

/**
 * A process for a test of memory: `compare-in-little-memory.ts GOOD PRESENT TABLE` compares two files of records as a recovery does, and
 * tells how many files it saw, and in how many projects.
 */
const [good = '', present = '', path = ''] = process.argv.slice(2);

const records = await SqliteRecords.open(good);
const testimony = testimonyOfFile(present);
const table = new Worktable(path);
await layOutTestimony(testimony, table);
let [projects, files, largest] = [0, 0, 0];
for await (const { project, states } of mergeProjects(readProjects(records.read), table.said(), table.signed())) {
  const [then, now, signed] = states;
  const report = reportProject(project, then, now, projectAfter(then, now, signed, new Map()));
  projects += 1;
  files += report.files.length;
  largest = Math.max(largest, report.files.length);
}
table.close();
testimony.close();
await records.close();
process.stdout.write(`${projects} ${files} ${largest}\n`);
