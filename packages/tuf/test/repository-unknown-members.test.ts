import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  encodeJson,
  isJsonArray,
  isJsonObject,
  type JsonValue,
  parseJson,
  parseTargets,
  Repository,
  type RepositoryStorage,
  signMetadata,
  toJson,
} from '@holdfast/tuf';
import { emptyFile, later, NOW } from './repository.ts';
import { by, type Made, make, text } from './served.ts';

it('keeps members that nobody knows, in every role, through an edit', async () => {
  const made = await make();
  const { storage, repository, keys } = made;
  const delegation = { name: 'child', ...by(keys.targets), paths: ['child/*'] };
  await repository.update(async (draft) => {
    await draft.targets.addTarget('old', emptyFile());
    draft.targets.delegate(delegation);
  });
  await putStrangeMembers(made);
  const trustedRoot = (await storage.read('metadata/1.root.json')) ?? text('');
  const options = { storage, clock: () => NOW, signers: Object.values(keys), trustedRoot };
  const published = await (await Repository.open(options)).update(async (draft) => {
    draft.root.setKeys('targets', by(keys.targets));
    draft.root.setExpires(later(99));
    await draft.targets.addTarget('new', emptyFile());
    draft.targets.delegate({ ...delegation, paths: ['child/*', 'more/*'] });
  });
  assert.deepEqual(Object.fromEntries(published), { root: 2, targets: 3, snapshot: 3, timestamp: 3 });
  const stranges = async (path: string) => {
    const json = new TextDecoder().decode(encodeJson(await storedJson(storage, path)));
    return Array.from(json.matchAll(/"(x[a-z-]*)":\{"strange":1\}/g), ([, name]) => name);
  };
  assert.deepEqual(await stranges('metadata/2.root.json'), ['x-role', 'x-root']);
  assert.deepEqual(await stranges('metadata/3.targets.json'), ['x-delegated', 'x', 'x-target', 'x-targets']);
  assert.deepEqual(await stranges('metadata/3.snapshot.json'), ['x-meta', 'x-snapshot']);
  assert.deepEqual(await stranges('metadata/timestamp.json'), ['x-timestamp']);
  const signed = parseTargets((await storage.read('metadata/3.targets.json')) ?? text('')).signed;
  assert.deepEqual(signed.delegations?.roles[0]?.paths, ['child/*', 'more/*']);
});

const STRANGE = new Map([['strange', 1]]);

/** Members that the specification does not name, put into every place of metadata that has a file, and signed again. */
async function putStrangeMembers({ storage, keys }: Made): Promise<void> {
  const signers = Object.values(keys);
  const rewrite = async (path: string, ...members: readonly (readonly string[])[]) => {
    let signed = member(await storedJson(storage, path), 'signed');
    for (const names of members) signed = withMember(signed, names, STRANGE);
    if (path === 'metadata/timestamp.json')
      signed = withMember(signed, ['meta', 'snapshot.json'], toJson({ version: 2 }));
    await storage.replace(path, await signMetadata(isJsonObject(signed) ? signed : new Map(), signers));
  };
  await rewrite('metadata/1.root.json', ['x-root'], ['roles', 'targets', 'x-role']);
  const delegated = ['delegations', 'roles', '0', 'x-delegated'];
  await rewrite(
    'metadata/2.targets.json',
    ['x-targets'],
    ['targets', 'old', 'x-target'],
    ['delegations', 'x'],
    delegated,
  );
  await rewrite('metadata/2.snapshot.json', ['x-snapshot'], ['meta', 'targets.json', 'x-meta']);
  await rewrite('metadata/timestamp.json', ['x-timestamp']);
}

function withMember(json: JsonValue, [name = '', ...rest]: readonly string[], value: JsonValue): JsonValue {
  const inner = (old: JsonValue | undefined): JsonValue =>
    rest.length === 0 ? value : withMember(old ?? new Map(), rest, value);
  if (isJsonArray(json)) return json.with(Number(name), inner(json[Number(name)]));
  return isJsonObject(json) ? new Map(json).set(name, inner(json.get(name))) : json;
}

async function storedJson(storage: RepositoryStorage, path: string): Promise<JsonValue> {
  return parseJson((await storage.read(path)) ?? text(''));
}

function member(json: JsonValue, ...names: readonly string[]): JsonValue {
  let found: JsonValue | undefined = json;
  for (const name of names) {
    if (isJsonArray(found)) found = found[Number(name)];
    else found = isJsonObject(found) ? found.get(name) : undefined;
  }
  assert.ok(found !== undefined, names.join('.'));
  return found;
}
