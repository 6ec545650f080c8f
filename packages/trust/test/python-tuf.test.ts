import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { normalizeName, type ProjectName } from '@holdfast/python-index';
import { MemoryMetadataStore, rotationJson, signMetadata, type TargetFile, Updater } from '@holdfast/tuf';
import { generateKey, type LocalSigner } from '@holdfast/tuf/node';
import {
  type Distribution,
  encodeTarget,
  MAX_DELEGATIONS_OF_PROJECT,
  type ProjectDelegation,
  projectRole,
  ProjectRoleEditor,
  RECENTLY_CLAIMED,
  CLAIMED,
  RARELY_UPDATED,
  type TargetPath,
  targetPath,
  UNCLAIMED,
} from '../src/index.ts';
import { WholeRepository } from './whole-repository.ts';

const PYTHON = fileURLToPath(new URL('../../../.tools/venv/bin/python', import.meta.url));
const EXPIRES = new Date(Date.now() + 86_400_000);

/** How anybody uses tuf.ngclient: nothing in it knows Holdfast. For each path: what the file holds, none, or why not. */
const NGCLIENT = `
import json, sys
from tuf.ngclient import Updater
root, cache, downloads, url = sys.argv[1:5]
updater = Updater(cache, url + "/metadata/", downloads, url + "/targets/", bootstrap=open(root, "rb").read())
updater.refresh()
found = {}
for path in json.load(sys.stdin):
    info = updater.get_targetinfo(path)
    found[path] = None if info is None else open(updater.download_target(info)).read()
print(json.dumps(found))
`;

async function ngclient(
  t: TestContext,
  repository: WholeRepository,
  paths: readonly string[],
): Promise<Record<string, string | null>> {
  const server = createServer((request, response) => {
    const bytes = repository.files.get(decodeURIComponent((request.url ?? '').slice(1)));
    response.writeHead(bytes ? 200 : 404).end(bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-trust-'));
  t.after(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  await writeFile(join(directory, 'root.json'), repository.root);
  await mkdir(join(directory, 'downloads'));
  const places = [join(directory, 'root.json'), join(directory, 'cache'), join(directory, 'downloads')];
  const client = spawn(PYTHON, ['-c', NGCLIENT, ...places, `http://127.0.0.1:${address.port}`]);
  const [output, errors]: [Buffer[], Buffer[]] = [[], []];
  client.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  client.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  client.stdin.end(JSON.stringify(paths));
  await once(client, 'close');
  assert.equal(client.exitCode, 0, Buffer.concat(errors).toString());
  return JSON.parse(Buffer.concat(output).toString()) as Record<string, string | null>;
}

/** What our own client finds: the content that is signed, as far as the repository has it. */
async function ours(repository: WholeRepository, paths: readonly string[]): Promise<Record<string, string | null>> {
  const updater = new Updater({
    trustedRoot: repository.root,
    fetcher: repository,
    store: new MemoryMetadataStore(),
    clock: () => new Date(),
  });
  const found: Record<string, string | null> = {};
  for (const path of paths) {
    const info = await updater.targetInfo(path);
    found[path] = info ? Buffer.from(repository.files.get(`targets/${info.urlPath}`) ?? []).toString() : null;
  }
  return found;
}

/** A file whose content says from where it should come. */
function fileOf(project: ProjectName, tag: string, content: string): Distribution & { readonly content: Buffer } {
  const bytes = Buffer.from(content);
  return {
    project,
    filename: `${project.replaceAll('-', '_')}-1.0-py3-none-${tag}.whl`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    uploadTime: new Date(0),
    content: bytes,
  };
}

const named = (name: string): ProjectName => normalizeName(name);
const pathOf = ({ project, filename }: Distribution): TargetPath => targetPath(project, filename);
const targetsOf = (files: readonly Distribution[]): Map<TargetPath, TargetFile> =>
  new Map(files.map((file) => [pathOf(file), encodeTarget(file).file]));

const [developer, friend, thief] = await Promise.all([
  generateKey('ed25519'),
  generateKey('ecdsa-sha2-nistp256'),
  generateKey('ed25519'),
]);

const delegationTo = (project: ProjectName, ...keys: LocalSigner[]): [ProjectName, ProjectDelegation] => [
  project,
  { project, role: projectRole(project), keys: keys.map(({ key }) => key), threshold: 1 },
];

async function signedRole(role: string, signers: LocalSigner[], edit: (editor: ProjectRoleEditor) => void) {
  const editor = new ProjectRoleEditor(role);
  edit(editor);
  return signMetadata(editor.build(EXPIRES), signers);
}

/** What a repository of the maximum model says, with `unclaimed` in the hands of a thief who lists everything. */
async function maximum(depth: number) {
  const repository = await WholeRepository.begin('maximum');
  const [django, quiet, fresh, young] = [named('django'), named('quiet'), named('fresh-claim'), named('young')];
  const own = fileOf(django, 'any', 'claimed');
  const windows = fileOf(django, 'win_amd64', 'delegated');
  const arm = fileOf(django, 'win_arm64', 'delegated further');
  const still = fileOf(quiet, 'any', 'rarely-updated');
  const recent = fileOf(fresh, 'any', 'recently-claimed');
  const free = fileOf(young, 'any', 'unclaimed');
  const forged = [
    fileOf(django, 'any', 'forged'),
    fileOf(django, 'linux_x86_64', 'forged'),
    fileOf(django, 'win32', 'forged'),
    fileOf(quiet, 'any', 'forged'),
    fileOf(quiet, 'linux_x86_64', 'forged'),
    fileOf(fresh, 'linux_x86_64', 'forged'),
  ];
  await repository.addTree(CLAIMED, { projects: new Map([delegationTo(django, developer)]) }, depth);
  await repository.addTree(RARELY_UPDATED, { targets: targetsOf([still]) }, depth);
  // The online keys may claim what they like; what stands before them is not theirs.
  const recently = [delegationTo(fresh, developer), delegationTo(quiet, thief), delegationTo(django, thief)];
  await repository.addTree(RECENTLY_CLAIMED, { projects: new Map(recently) }, depth);
  await repository.addTree(UNCLAIMED, { targets: targetsOf([...forged, free]) }, depth);
  const toFriend = { label: 'windows', filenames: ['*-win*.whl'], keys: [friend.key], threshold: 1 };
  const roles: [string, LocalSigner, (editor: ProjectRoleEditor) => void][] = [
    ['project.django', developer, (role) => (role.setFile(own), role.delegate(toFriend))],
    [
      'project.django.windows',
      friend,
      (role) => (role.setFile(windows), role.delegate({ ...toFriend, label: 'arm', filenames: ['*-win_arm64.whl'] })),
    ],
    ['project.django.windows.arm', friend, (role) => role.setFile(arm)],
    ['project.fresh-claim', developer, (role) => role.setFile(recent)],
    ['project.quiet', thief, (role) => role.setFile(fileOf(quiet, 'win32', 'forged'))],
  ];
  for (const [role, signer, edit] of roles) repository.addRole(role, await signedRole(role, [signer], edit));
  const good = [own, windows, arm, still, recent, free];
  for (const file of [...forged, ...good]) repository.addContent(pathOf(file), file.content);
  repository.addContent(targetPath(quiet, fileOf(quiet, 'win32', '').filename), Buffer.from('forged'));
  await repository.publish();
  const expected = Object.fromEntries(good.map((file) => [pathOf(file), file.content.toString()]));
  const nowhere: (string | null)[][] = [];
  for (const file of [...forged, fileOf(quiet, 'win32', 'forged'), fileOf(named('other'), 'any', '')])
    if (!(pathOf(file) in expected)) nowhere.push([pathOf(file), null]);
  return { repository, expected: { ...expected, ...(Object.fromEntries(nowhere) as Record<string, null>) } };
}

for (const depth of [0, 3, 6]) {
  test(`python-tuf, unmodified, and our client find what all four trees list, ${depth} deep, and nothing that a thief of the online keys adds to a project of the offline ones (M1, M10, P1)`, async (t) => {
    const { repository, expected } = await maximum(depth);
    const paths = Object.keys(expected);
    assert.equal(Object.values(expected).filter((content) => content === null).length, 6);
    assert.deepEqual(await ours(repository, paths), expected);
    assert.deepEqual(await ngclient(t, repository, paths), expected);
  });
}

test('a project with as many delegations as there may be is found, in the deepest tree, by a client that visits 32 roles', async (t) => {
  const repository = await WholeRepository.begin('maximum');
  const project = named('django');
  const near = projectRole(project);
  const file = fileOf(project, 'any', 'found');
  // Trees before it are as deep as they get, for the neighbours of the project.
  for (const top of [CLAIMED, RARELY_UPDATED, RECENTLY_CLAIMED, UNCLAIMED] as const) {
    const isOwn = top === RECENTLY_CLAIMED;
    const content =
      top === CLAIMED || isOwn
        ? { projects: new Map(isOwn ? [delegationTo(project, developer)] : []) }
        : { targets: new Map<TargetPath, TargetFile>() };
    await repository.addWay(top, project, content);
  }
  const labels = Array.from({ length: MAX_DELEGATIONS_OF_PROJECT }, (_, n) => `part${n}`);
  const own = await signedRole(near, [developer], (role) => {
    for (const label of labels) role.delegate({ label, filenames: ['*.whl'], keys: [friend.key], threshold: 1 });
  });
  repository.addRole(near, own);
  for (const [at, label] of labels.entries()) {
    const isLast = at === labels.length - 1;
    const role = `${near}.${label}`;
    repository.addRole(role, await signedRole(role, [friend], (editor) => isLast && editor.setFile(file)));
  }
  repository.addContent(pathOf(file), file.content);
  await repository.publish();
  const expected = { [pathOf(file)]: 'found' };
  assert.deepEqual(await ours(repository, [pathOf(file)]), expected);
  assert.deepEqual(await ngclient(t, repository, [pathOf(file)]), expected);
});

test('a release that old and new keys signed is read by clients that follow rotate files and by those that do not (TAP 8)', async (t) => {
  const repository = await WholeRepository.begin('maximum');
  const project = named('django');
  const file = fileOf(project, 'any', 'rotated');
  await repository.addTree(CLAIMED, { projects: new Map([delegationTo(project, developer)]) }, 2);
  for (const top of [RARELY_UPDATED, UNCLAIMED] as const) await repository.addTree(top, { targets: new Map() }, 0);
  await repository.addTree(RECENTLY_CLAIMED, { projects: new Map() }, 0);
  const role = projectRole(project);
  const rotation = rotationJson({ role, version: 1, keys: [friend.key], threshold: 1 });
  await repository.addRotation(await signMetadata(rotation, [developer]));
  repository.addRole(role, await signedRole(role, [developer, friend], (editor) => editor.setFile(file)));
  repository.addContent(pathOf(file), file.content);
  await repository.publish();
  const expected = { [pathOf(file)]: 'rotated' };
  assert.deepEqual(await ours(repository, [pathOf(file)]), expected);
  assert.deepEqual(await ngclient(t, repository, [pathOf(file)]), expected);
  // By the old key alone it counts for nobody who knows of the rotation.
  repository.addRole(role, await signedRole(role, [developer], (editor) => editor.setFile(file)));
  await repository.publish();
  await assert.rejects(ours(repository, [pathOf(file)]), { code: 'UNSIGNED' });
});
