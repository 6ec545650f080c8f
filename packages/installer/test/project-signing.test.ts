import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { type Distribution, encodeTarget, projectPattern, projectRole, rotationRole } from '@holdfast/trust';
import {
  type Delegations,
  MissingMetadataError,
  revocationJson,
  RollbackError,
  rotationJson,
  type Signer,
  signMetadata,
  targetsJson,
  UnsignedMetadataError,
} from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { Scene } from './scene.ts';

const flask = normalizeName('flask');
const role = projectRole(flask);
const [ann, bob] = await Promise.all([generateKey('ed25519'), generateKey('ed25519')]);
const later = (days: number): Date => new Date(Math.floor(Date.now() / 1000 + days * 86_400) * 1000);
let scene: Scene;

interface Signing {
  readonly version?: number;
  readonly expires?: Date;
  readonly files?: readonly Distribution[];
  readonly delegations?: Delegations;
  readonly by?: readonly Signer[];
}

async function sign(name: string, { version = 1, expires = later(30), files = [], ...how }: Signing): Promise<void> {
  const targets = new Map(files.map(encodeTarget).map(({ path, file }) => [path, file]));
  const signed = targetsJson({ version, expires, targets, delegations: how.delegations });
  scene.repository.putSigned(name, version, await signMetadata(signed, how.by ?? [ann]));
}

const toBob: Delegations = {
  keys: new Map([[bob.key.keyid, bob.key]]),
  roles: [
    {
      name: `${role}.windows`,
      keyids: [bob.key.keyid],
      threshold: 1,
      terminating: false,
      paths: [projectPattern(flask).replace('*', '*-2.0-*.whl')],
    },
  ],
};

beforeEach(async () => {
  scene = await Scene.make();
  scene.repository.claims.set(flask, { project: flask, role, keys: [ann.key], threshold: 1 });
});
afterEach(() => scene.close());

/** The files of a project that its holders sign, not the index. */
function wheel(version: string): Distribution {
  const file = scene.repository.addWheel('flask', version);
  scene.repository.remove(file.filename);
  return file;
}

describe('who signs for a project, as verified metadata says', () => {
  test('an unclaimed project has no roles, and one that does not exist has nothing', async () => {
    await sign(role, {});
    await scene.repository.publish();
    const client = await scene.client();
    const demo = await client.signing(normalizeName('demo'));
    assert.deepEqual([demo.standing, demo.roles.length, demo.files.length], ['unclaimed', 0, 1]);
    const absent = await client.signing(normalizeName('absent'));
    assert.deepEqual([absent.standing, absent.roles.length, absent.files.length], ['none', 0, 0]);
  });

  test('a claimed one has the keys, the versions and the delegations that its holders signed', async () => {
    await sign(role, { version: 3, files: [wheel('1.0')], delegations: toBob });
    await sign(`${role}.windows`, { files: [wheel('2.0')], by: [bob] });
    await scene.repository.publish();
    const signing = await (await scene.client()).signing(flask);
    assert.deepEqual([signing.standing, signing.model], ['recently-claimed', 'legacy']);
    assert.deepEqual(
      signing.roles.map(({ role: name, threshold, signed, expired }) => [name, threshold, signed?.version, expired]),
      [
        [role, 1, 3, false],
        [`${role}.windows`, 1, 1, false],
      ],
    );
    assert.deepEqual(
      signing.roles.map(({ keys }) => [...keys.keys()]),
      [[ann.key.keyid], [bob.key.keyid]],
    );
    assert.deepEqual(
      signing.files.map(({ filename, voucher }) => [filename, voucher.chain.at(-1)]),
      [
        ['flask-1.0-py3-none-any.whl', role],
        ['flask-2.0-py3-none-any.whl', `${role}.windows`],
      ],
    );
  });

  test('roles that the client holds are not sent again, of whatever generation, nor what they delegate to', async () => {
    const name = projectRole(flask, 2);
    scene.repository.claims.set(flask, { project: flask, role: name, keys: [ann.key], threshold: 1 });
    const below = toBob.roles.map((each) => ({ ...each, name: `${name}.windows` }));
    await sign(name, { files: [wheel('1.0')], delegations: { ...toBob, roles: below } });
    await sign(`${name}.windows`, { files: [wheel('2.0')], by: [bob] });
    await scene.repository.publish();
    const client = await scene.client();
    assert.equal((await client.project(flask))?.files.length, 2);
    const held = ['', '.windows'].map((label) =>
      hash('sha256', scene.repository.files.get(`metadata/1.${name}${label}.json`) ?? ''),
    );
    scene.repository.addWheel('other', '1.0');
    await scene.repository.publish();
    scene.mirror.asked.splice(0);
    await client.refresh();
    await client.project(flask);
    const have = scene.mirror.asked
      .find((path) => path.startsWith('lookup/'))
      ?.split('have=')[1]
      ?.split('&')[0];
    for (const digest of held) assert.ok(have?.split('.').includes(digest.slice(0, 8)), `${have} lacks ${digest}`);
  });

  test('a role that nobody has signed yet is there, with who may', async () => {
    await sign(role, { delegations: toBob, files: [wheel('1.0')] });
    await scene.repository.publish();
    const { roles, files } = await (await scene.client()).signing(flask);
    assert.equal(roles[1]?.signed, undefined);
    assert.deepEqual([...(roles[1]?.keys.keys() ?? [])], [bob.key.keyid]);
    assert.equal(files.length, 1);
  });

  test('a role that has expired is read as it was, so that its holder can sign it anew', async () => {
    const expires = later(-3);
    await sign(role, { version: 7, expires, files: [wheel('1.0')], delegations: toBob });
    await sign(`${role}.windows`, { version: 2, expires: later(-9), by: [bob], files: [wheel('2.0')] });
    await scene.repository.publish();
    const client = await scene.client();
    await assert.rejects(client.project(flask), { code: 'EXPIRED' });
    const { roles, files } = await client.signing(flask);
    assert.deepEqual(
      roles.map(({ expired, signed }) => [expired, signed?.version]),
      [
        [true, 7],
        [true, 2],
      ],
    );
    assert.deepEqual(roles[0]?.signed?.expires, expires);
    assert.equal(files.length, 2);
  });

  test('one whose keys rotated has the new ones, and one that was revoked has nothing (TAP 8, TAP 20)', async () => {
    const put = async (version: number, signed: ReturnType<typeof rotationJson>, by: Signer): Promise<void> => {
      scene.repository.putSigned(rotationRole(role, version), version, await signMetadata(signed, [by]));
      await scene.repository.publish();
    };
    await sign(role, { files: [wheel('1.0')], by: [bob] });
    await put(1, rotationJson({ role, version: 1, keys: [bob.key], threshold: 1 }), ann);
    const client = await scene.client();
    const [rotated] = (await client.signing(flask)).roles;
    assert.deepEqual([[...(rotated?.keys.keys() ?? [])], rotated?.rotations], [[bob.key.keyid], 1]);
    assert.deepEqual(rotated?.former, [ann.key.keyid]);
    await put(2, revocationJson({ role, version: 2 }), bob);
    await client.refresh();
    const { roles, files } = await client.signing(flask);
    assert.deepEqual([roles[0]?.revoked, roles[0]?.signed, files.length], [true, undefined, 0]);
  });

  test('a signature by somebody else, or an index whose claims cannot be read, is not shown as if it were nothing', async () => {
    await sign(role, { by: [bob] });
    await scene.repository.publish();
    await assert.rejects((await scene.client()).signing(flask), UnsignedMetadataError);
    scene.repository.unlist('claimed');
    await scene.repository.publish();
    await assert.rejects((await scene.client()).signing(normalizeName('demo')), MissingMetadataError);
  });

  test('an expired role is looked at under the newest timestamp, not under an older one', async () => {
    await sign(role, { expires: later(-3) });
    await scene.repository.publish();
    const old = scene.repository.files.get('metadata/timestamp.json') ?? assert.fail();
    await scene.repository.publish();
    const client = await scene.client();
    assert.equal((await client.signing(flask)).roles[0]?.expired, true);
    scene.repository.files.set('metadata/timestamp.json', old);
    await assert.rejects(client.signing(flask), RollbackError);
  });
});
