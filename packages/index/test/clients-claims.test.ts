import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import {
  decodeLookup,
  type LookedUpRole,
  ProjectRoleEditor,
  rotationRole,
  snapshotTreeRoot,
  targetPath,
  verifyLookup,
} from '@holdfast/trust';
import { parseTimestamp, signMetadata } from '@holdfast/tuf';
import { importFiles, linesSource, startServer } from '../src/index.ts';
import { distributionOf } from '../src/publish/file-rows.ts';
import { listed, clientOf, newFile, uploadBare, verifiedFiles } from './support/bare-index.ts';
import {
  claim,
  delegationTo,
  makeDeveloper,
  openClaimsIndex,
  rotation,
  signRole,
  signTrees,
  stageFile,
  statesOf,
  submit,
} from './support/claims.ts';
import { bytesOf, lines } from './support/population.ts';
import { runTool, temporaryDirectory } from './support/tools.ts';

const name = (project: string, version: string): string => newFile(project, version).filename;

/** python-tuf's own client, unmodified: what it finds for each path, and null where it finds nothing. */
const PYTHON = `
import json, sys
from tuf.ngclient import Updater
root, url, paths = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
updater = Updater('metadata', url + '/metadata/', 'downloads', url + '/targets/', bootstrap=open(root, 'rb').read())
updater.refresh()
found = {path: updater.get_targetinfo(path) for path in paths}
updater.download_target(found[paths[0]], 'downloaded')
print(json.dumps({path: info and info.hashes['sha256'] for path, info in found.items()}))
`;

test('python-tuf and our client find what all four trees list, what a project delegates further, and nothing that was taken away (P3, P9, M10)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'maximum');
  const friend = await makeDeveloper(index);
  for (const project of ['unclaimed', 'quiet', 'claimed', 'recent'])
    for (const version of ['1.0', '2.0']) await uploadBare(index, project, version);
  for (const project of ['claimed', 'recent']) await claim(index, project, developer, [name(project, '2.0')]);
  const quiet = await index.records.read.selectFrom('files').selectAll().where('project', '=', 'quiet').execute();
  const trees = { claimed: [delegationTo('claimed', developer)], rarelyUpdated: quiet.map(distributionOf) };
  await index.importOffline(await signTrees(made, trees, index));

  // A friend answers for some files of a claimed project.
  await stageFile(index, 'claimed', '3.0');
  const { read } = index.records;
  const present = await read
    .selectFrom('offline_roles')
    .selectAll()
    .where('role', '=', 'project.claimed')
    .executeTakeFirst();
  const parent = new ProjectRoleEditor('project.claimed', present?.bytes);
  const role = parent.delegate({ label: 'friend', filenames: ['claimed-3*'], keys: [friend.key], threshold: 1 });
  const roles = new Map([
    ['project.claimed', await signMetadata(parent.build(new Date('2036-01-01T00:00:00Z')), [developer])],
    [role, await signRole(index, role, [name('claimed', '3.0')], [friend])],
  ]);
  await submit(index, 'claimed', { roles });

  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 100 });
  t.after(() => server.close());
  const expected = new Map<string, string | null>();
  const expect = (project: string, version: string, there: boolean): void => {
    const file = newFile(project, version);
    expected.set(targetPath(file.project, file.filename), there ? file.sha256 : null);
  };
  expect('claimed', '3.0', true);
  for (const project of ['unclaimed', 'quiet', 'claimed', 'recent']) {
    expect(project, '2.0', true);
    expect(project, '1.0', project === 'unclaimed' || project === 'quiet');
    expect(project, '9.0', false);
  }
  const cwd = await temporaryDirectory(t, 'python-tuf-claims');
  await writeFile(join(cwd, 'root.json'), made.root);
  await writeFile(join(cwd, 'paths.json'), JSON.stringify([...expected.keys()]));
  for (const directory of ['metadata', 'downloads']) await mkdir(join(cwd, directory));
  const { status, output } = await runTool('python', ['-c', PYTHON, 'root.json', server.url, 'paths.json'], { cwd });
  assert.equal(status, 0, output);
  assert.deepEqual(new Map(Object.entries(JSON.parse(output) as object)), expected);
  const client = clientOf(made);
  await client.refresh();
  assert.deepEqual([...(await listed(client, 'claimed')).keys()].sort(), [
    name('claimed', '2.0'),
    name('claimed', '3.0'),
  ]);
  assert.equal((await listed(client, 'quiet')).size, 2);

  // One request brings and proves all that a client asks for: rotate files, too.
  await submit(index, 'claimed', {
    roles: new Map([['project.claimed', await signRole(index, 'project.claimed', [name('claimed', '2.0')], [friend])]]),
    rotation: await rotation('project.claimed', 1, [friend], [developer]),
  });
  const found = await look(server.url, normalizeName('claimed'));
  assert.deepEqual(found.map((each) => each.role).sort(), [
    'claimed',
    'project.claimed',
    'project.claimed.friend',
    'rarely-updated',
    'rarely-updated.closed',
    'recently-claimed',
    rotationRole('project.claimed', 1),
    'targets',
    'unclaimed',
  ]);
  const rotated = await fetch(`${server.url}/metadata/${rotationRole('project.claimed', 1)}.json`);
  assert.equal(rotated.status, 200);
});

async function look(url: string, project: ProjectName): Promise<readonly LookedUpRole[]> {
  const timestamp = new Uint8Array(await (await fetch(`${url}/metadata/timestamp.json`)).arrayBuffer());
  const root = snapshotTreeRoot(parseTimestamp(timestamp).signed) ?? assert.fail('the timestamp names no tree');
  const answer = await fetch(`${url}/lookup/${root}/${project}`);
  return verifyLookup(root, project, decodeLookup(new Uint8Array(await answer.arrayBuffer())));
}

test('an import brings a claimed project nothing that its developers did not sign: its files wait (M5, D14)', async (t) => {
  const { made, index, developer } = await openClaimsIndex(t, 'legacy', { massFrom: 10 });
  await uploadBare(index, 'imported-3', '0.1');
  await claim(index, 'imported-3', developer, [name('imported-3', '0.1')]);
  const source = linesSource({ name: 'x', input: bytesOf(lines(20, 3)), now: new Date() });
  await importFiles(index, { source, account: 'ann' });
  assert.deepEqual([...(await verifiedFiles(made, 'imported-3')).keys()], [name('imported-3', '0.1')]);
  assert.equal((await verifiedFiles(made, 'imported-4')).size, 3);
  const states = Object.values(await statesOf(index, 'imported-3'));
  assert.deepEqual(states.toSorted(), ['published', 'staged', 'staged', 'staged']);
});
