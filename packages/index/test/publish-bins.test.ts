import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { binPrefix, projectBin, targetPath, UNCLAIMED } from '@holdfast/trust';
import { startServer } from '../src/index.ts';
import { clientOf, listed, makeIndex, newFile, openBare, uploadBare } from './support/bare-index.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';

/** python-tuf's own client, unmodified: prints every path that it finds, and downloads the last file. */
const PYTHON = `
import json, sys
from tuf.ngclient import Updater
root, url, paths = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
updater = Updater('metadata', url + '/metadata/', 'downloads', url + '/targets/', bootstrap=open(root, 'rb').read())
updater.refresh()
found = {path: updater.get_targetinfo(path) for path in paths}
assert updater.get_targetinfo(paths[0] + 'x') is None
updater.download_target(found[paths[-1]], 'downloaded')
print(json.dumps({path: info.hashes['sha256'] for path, info in found.items() if info}))
`;

test('through two splits of the bin tree, python-tuf and our client find every file with its hash (P3, P9)', async (t) => {
  const made = await makeIndex(t);
  const index = await openBare(made.directory);
  // Leaves split by size until the large project has one of its own, however large.
  const names = [...Array.from({ length: 120 }, () => 'large'), ...Array.from({ length: 600 }, (_, i) => `small-${i}`)];
  const files = names.map((name, i) => newFile(name, `${i}.0`));
  for (let at = 0; at < files.length; at += 60) {
    await Promise.all(files.slice(at, at + 60).map((file) => index.publisher.publish(file)));
  }
  const last = await uploadBare(index, 'downloaded', '1.0');
  assert.equal(last.outcome, 'published');
  files.push(newFile('downloaded', '1.0'));
  const large = projectBin(normalizeName('large'));
  const roles = new Set(
    (await index.records.read.selectFrom('roles').select('role').execute()).map(({ role }) => role),
  );
  const prefixes = Array.from(roles, (role) => binPrefix(UNCLAIMED, role) ?? '');
  const leaf = prefixes
    .filter((prefix) => large.startsWith(prefix))
    .sort()
    .at(-1);
  assert.ok(leaf !== undefined && leaf.length >= 2 && leaf.length < 5, `the large project is in ${leaf}`);
  const others = new Set(names.filter((name) => name !== 'large').map((name) => projectBin(normalizeName(name))));
  assert.ok(![...others].some((bin) => bin.startsWith(leaf)));
  assert.ok([...others].some((bin) => bin.startsWith(leaf.slice(0, -1))));
  assert.ok(prefixes.length < names.length, 'no role is there for nothing');

  const client = clientOf(made);
  await client.refresh();
  for (const project of new Set(names)) {
    const own = files.filter((file) => file.project === normalizeName(project));
    assert.deepEqual(
      await listed(client, project),
      new Map(own.map(({ filename, sha256 }) => [filename, sha256] as const)),
    );
  }

  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 100 });
  t.after(() => server.close());
  const cwd = await temporaryDirectory(t, 'python-tuf');
  const wanted = files.map((file) => [targetPath(file.project, file.filename), file.sha256] as const);
  await writeFile(join(cwd, 'root.json'), made.root);
  await writeFile(join(cwd, 'paths.json'), JSON.stringify(wanted.map(([path]) => path)));
  await runTool('python', ['-c', 'import os; os.mkdir("metadata"); os.mkdir("downloads")'], { cwd });
  const { status, output } = await runTool('python', ['-c', PYTHON, 'root.json', server.url, 'paths.json'], { cwd });
  assert.equal(status, 0, output);
  const found = JSON.parse(output) as Record<string, string>;
  assert.deepEqual(new Map(Object.entries(found)), new Map(wanted));
});
