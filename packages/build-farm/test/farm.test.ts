import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { normalizeName } from '@holdfast/python-index';
import { basic } from '../../index/test/support/upload.ts';
import { makeWheel } from '../../index/test/support/wheel.ts';
import { undelegate, yankFiles } from '@holdfast/developer';
import { buildSdist } from '../src/farm/build-sdist.ts';
import { FarmState } from '../src/farm/farm-state.ts';
import type { FarmEvent } from '../src/farm/events.ts';
import { filesOf, makeFarmScene, releaseAs, type TestFarm } from './support/farm-scene.ts';
import { backendWheel, flitProject, ownBackend, realSdist, setuptoolsProject } from './support/projects.ts';

test('builds, signs and publishes wheels of projects that delegated them to its key, and of no others (D8)', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.uploadPlain(await backendWheel('setuptools'));
  await scene.uploadPlain(await backendWheel('flit_core'));
  await scene.releaseFile(await realSdist(join(scene.directory, 'plain'), flitProject('plain', '1.0')));
  await scene.releaseFile(await realSdist(join(scene.directory, 'packed'), setuptoolsProject('packed', '2.1')));
  await scene.releaseFile(ownBackend('return sound(out)', { name: 'alone' }));
  const farm = await scene.farm('farm');
  assert.deepEqual((await farm.round()).builds, []);
  for (const project of ['plain', 'packed']) await scene.delegateWheels(project, [farm]);
  const round = await farm.round();
  assert.deepEqual(round.troubled, []);
  assert.deepEqual(
    farm.events.filter(({ event }) => event === 'failed' || event === 'trouble'),
    [],
  );
  assert.deepEqual(await filesOf(farm, 'plain'), ['plain-1.0-py3-none-any.whl', 'plain-1.0.tar.gz']);
  assert.deepEqual(await filesOf(farm, 'packed'), ['packed-2.1-py3-none-any.whl', 'packed-2.1.tar.gz']);
  assert.deepEqual(await filesOf(farm, 'alone'), ['alone-1.0.tar.gz']);
  const [wheel] =
    (await farm.bench.client.project('plain' as never))?.files.filter(({ filename }) => filename.endsWith('.whl')) ??
    [];
  assert.deepEqual(wheel?.voucher.chain.slice(-2), ['project.plain', 'project.plain.build-farm']);
  assert.deepEqual(wheel?.voucher.keyids, [farm.signer.key.keyid]);
  const before = farm.events.length;
  await farm.round();
  assert.deepEqual(
    farm.events.slice(before).filter(({ event }) => event !== 'followed'),
    [],
    'nothing is built twice',
  );
});

const WHEEL = 'hostile-1.0-py3-none-any.whl';
const SDIST = 'hostile-1.0.tar.gz';
const kinds = (farm: TestFarm): readonly string[] =>
  farm.events.map(({ event }) => event).filter((event) => event !== 'followed');
const only = <K extends FarmEvent['event']>(farm: TestFarm, kind: K): readonly Extract<FarmEvent, { event: K }>[] =>
  farm.events.filter((each): each is Extract<FarmEvent, { event: K }> => each.event === kind);

test('two farms and a threshold of two: a wheel is published once both have built it, with both signatures (M13)', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  const [one, two] = [await scene.farm('one'), await scene.farm('two')];
  await scene.delegateWheels('hostile', [one, two]);
  await one.round();
  assert.deepEqual(kinds(one), ['building', 'built', 'waiting']);
  assert.deepEqual(await filesOf(one, 'hostile'), [SDIST], 'one farm alone publishes nothing');
  await one.round();
  assert.deepEqual(kinds(one), ['building', 'built', 'waiting'], 'nor by asking again');
  await two.round();
  assert.deepEqual(kinds(two), ['building', 'built', 'published']);
  const project = await two.bench.client.project(normalizeName('hostile'));
  const wheel = project?.files.find(({ filename }) => filename === WHEEL);
  assert.deepEqual(new Set(wheel?.voucher.keyids), new Set([one, two].map(({ signer }) => signer.key.keyid)));
  await one.round();
  assert.deepEqual(
    one.state.builds().map(({ standing }) => standing),
    ['published'],
  );
});

test('two farms that begin at the same moment agree all the same', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  await scene.releaseFile(ownBackend('return sound(out)', { version: '1.1' }));
  const farms = [await scene.farm('one'), await scene.farm('two')];
  await scene.delegateWheels('hostile', farms);
  const projects = [normalizeName('hostile')];
  for (let round = 0; round < 3; round++) await Promise.all(farms.map((farm) => farm.round({ projects })));
  const files = [WHEEL, SDIST, WHEEL.replace('1.0', '1.1'), SDIST.replace('1.0', '1.1')];
  assert.deepEqual(await filesOf(scene.developer, 'hostile'), files.toSorted());
  assert.deepEqual(
    farms.flatMap((farm) => only(farm, 'differs')),
    [],
  );
});

test('a farm that lies first gets no second signature: nothing is published, and a table says what differs (M13)', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  const [liar, honest] = [await scene.person('liar'), await scene.farm('honest')];
  await scene.delegateWheels('hostile', [liar, honest]);
  const evil = makeWheel({ name: 'hostile', extra: [['hostile/evil.py', 'print("evil")\n']] });
  assert.equal(await releaseAs(liar, scene.directory, evil), 'waiting');
  await honest.round();
  assert.deepEqual(kinds(honest), ['building', 'built', 'differs']);
  const report = only(honest, 'differs')[0]?.report ?? '';
  assert.match(report, /^hostile\/evil\.py +only in the second/m);
  assert.match(report, /^hostile-1\.0\.dist-info\/METADATA +content/m);
  assert.deepEqual(await filesOf(honest, 'hostile'), [SDIST]);
  await honest.round({ projects: [normalizeName('hostile')] });
  assert.equal(only(honest, 'differs').length, 1, 'said once');
  const [record] = honest.state.builds();
  assert.deepEqual([record?.standing, record?.code, record?.detail], ['differs', 'NOT_REPRODUCED', report]);

  await discard(scene.served.url, liar.token, WHEEL);
  await honest.round({ projects: [normalizeName('hostile')] });
  assert.deepEqual(kinds(honest), ['building', 'built', 'differs', 'waiting'], 'its own, once the lie is gone');
  assert.deepEqual(await filesOf(honest, 'hostile'), [SDIST]);
});

async function discard(url: string, token: string, filename: string): Promise<void> {
  const path = `${url}/api/v1/projects/hostile/staged/${filename}`;
  const answer = await fetch(path, { method: 'DELETE', headers: { Authorization: basic(token) } });
  assert.equal(answer.status, 200, await answer.text());
}

test('a farm that lies second changes nothing either', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  const [honest, liar] = [await scene.farm('honest'), await scene.person('liar')];
  await scene.delegateWheels('hostile', [liar, honest]);
  await honest.round();
  const evil = makeWheel({ name: 'hostile', extra: [['hostile/evil.py', '']] });
  await assert.rejects(releaseAs(liar, scene.directory, evil));
  assert.equal(await releaseAs(liar, scene.directory, makeWheel({ name: 'hostile', version: '1.0.1' })), 'waiting');
  await honest.round({ projects: [normalizeName('hostile')] });
  await honest.round({ projects: [normalizeName('hostile')] });
  assert.equal(only(honest, 'left').length, 1);
  assert.match(only(honest, 'left')[0]?.reason ?? '', /1\.0\.1-py3-none-any\.whl was not built here/);
  assert.deepEqual(await filesOf(honest, 'hostile'), [SDIST]);
});

test('one failure stops no other: it is written down, tried again twice, and then given up', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('raise ValueError("no wheel today")', { name: 'bad' }));
  await scene.releaseFile(ownBackend('return sound(out)', { name: 'good' }));
  let minutes = 0;
  const farm = await scene.farm('farm', { now: () => new Date(Date.now() + minutes * 60_000) });
  for (const project of ['bad', 'good']) await scene.delegateWheels(project, [farm]);
  const tried: number[] = [];
  for (minutes of [0, 5, 11, 30, 75, 600, 6000]) {
    await farm.round();
    tried.push(only(farm, 'failed').length);
  }
  assert.deepEqual(tried, [1, 1, 2, 2, 3, 3, 3]);
  assert.equal(only(farm, 'failed').at(-1)?.next_try, null);
  assert.deepEqual(await filesOf(farm, 'good'), ['good-1.0-py3-none-any.whl', 'good-1.0.tar.gz']);
  const [record] = farm.state.builds(normalizeName('bad'));
  assert.deepEqual([record?.standing, record?.code, record?.attempts], ['failed', 'BUILD_FAILED', 3]);
  assert.match(record?.detail ?? '', /ValueError: no wheel today/);
  assert.match(await readFile(record?.log ?? '', 'utf8'), /Traceback[\s\S]*ValueError: no wheel today/);
  assert.equal(new Set(only(farm, 'failed').map(({ log }) => log)).size, 3, 'each try has its own');
});

test('trouble with one project, such as an index that refuses, is tried again and keeps no other waiting', async (t) => {
  const scene = await makeFarmScene(t);
  for (const name of ['first', 'second']) {
    await scene.releaseFile(ownBackend('return sound(out)', { name }));
  }
  const farm = await scene.farm('farm');
  await scene.delegateWheels('first', [farm], 1, ['*-win_amd64.whl']);
  await scene.delegateWheels('second', [farm]);
  await farm.round();
  assert.deepEqual(await filesOf(farm, 'first'), ['first-1.0.tar.gz'], 'outside of what was delegated');
  assert.equal((await filesOf(farm, 'second')).length, 2);
  assert.deepEqual(only(farm, 'trouble'), []);
  await scene.releaseFile(ownBackend('return sound(out)', { name: 'second', version: '1.1' }));
  const [own] = (await scene.served.index.accounts.listTokens()).filter(({ account }) => account === 'farm');
  await scene.served.index.accounts.revokeToken(own?.id ?? '');
  assert.deepEqual((await farm.round()).troubled, ['second']);
  assert.equal(only(farm, 'trouble')[0]?.code, 'TOKEN_REFUSED');
  assert.equal(farm.state.builds(normalizeName('second')).length, 2, 'what was built is kept');
});

test('what an sdist says in its errors cannot steer a terminal', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(
    ownBackend('return sound(out)', { requires: ['evil\u001b[31m\u202e @ https://evil.example/'] }),
  );
  const farm = await scene.farm('farm');
  await scene.delegateWheels('hostile', [farm]);
  await farm.round();
  const [failed] = only(farm, 'failed');
  assert.match(failed?.reason ?? '', /evil/);
  assert.doesNotMatch(failed?.reason ?? '', /[\p{Cc}\p{Cf}]/u);
});

test('tells when something is published in its role that it did not build so', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  const [honest, liar] = [await scene.farm('honest'), await scene.person('liar')];
  await scene.delegateWheels('hostile', [liar, honest], 1);
  const signing = await honest.bench.client.signing(normalizeName('hostile'));
  const [sdist] = signing.files;
  assert.ok(sdist);
  await buildSdist(honest.work, sdist);
  const evil = makeWheel({ name: 'hostile', extra: [['hostile/evil.py', '']] });
  assert.equal(await releaseAs(liar, scene.directory, evil), 'published');
  await honest.round();
  assert.match(only(honest, 'differs')[0]?.report ?? '', /^hostile\/evil\.py +only in the second/m);
});

test('compares its wheel with one that the developers published themselves, and leaves that one in place', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  await scene.releaseFile(makeWheel({ name: 'hostile' }));
  const farm = await scene.farm('farm');
  await scene.delegateWheels('hostile', [farm]);
  await farm.round();
  await farm.round({ projects: [normalizeName('hostile')] });
  assert.deepEqual(kinds(farm), ['building', 'built', 'differs']);
  assert.deepEqual(await filesOf(farm, 'hostile'), [WHEEL, SDIST]);
});

test('a project goes from one farm to two, and keeps what the one published', async (t) => {
  const scene = await makeFarmScene(t);
  const project = normalizeName('hostile');
  await scene.releaseFile(ownBackend('return sound(out)'));
  const [one, two] = [await scene.farm('one'), await scene.farm('two')];
  await scene.delegateWheels('hostile', [one]);
  await one.round();
  await undelegate(scene.developer.bench, project, { name: 'build-farm', keepFiles: true });
  await scene.delegateWheels('hostile', [one, two]);
  await scene.releaseFile(ownBackend('return sound(out)', { version: '1.1' }));
  await one.round();
  await two.round();
  assert.deepEqual(kinds(one), ['building', 'built', 'published', 'building', 'built', 'waiting']);
  assert.deepEqual(only(two, 'left'), []);
  assert.equal(only(two, 'published').length, 1);
  assert.equal((await filesOf(two, 'hostile')).length, 4);
});

test('signs its roles anew before they expire', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  let days = 0;
  const now = (): Date => new Date(Date.now() + days * 86_400_000);
  const farms = [await scene.farm('one', { now }), await scene.farm('two', { now })];
  await scene.delegateWheels('hostile', farms);
  const expires = async (): Promise<number> => {
    const { roles } = await scene.developer.bench.client.signing(normalizeName('hostile'));
    return roles.find(({ role }) => role.endsWith('.build-farm'))?.signed?.expires.getTime() ?? 0;
  };
  for (const farm of farms) await farm.round();
  const first = await expires();
  days = 600;
  for (const farm of farms) await farm.round();
  assert.equal(await expires(), first);
  days = 700;
  for (const farm of farms) await farm.round();
  assert.ok((await expires()) - first > 600 * 86_400_000);
});

test('leaves sdists alone that are old, yanked, or not its business', async (t) => {
  const scene = await makeFarmScene(t);
  await scene.releaseFile(ownBackend('return sound(out)'));
  await scene.releaseFile(ownBackend('return sound(out)', { version: '1.1' }));
  const farm = await scene.farm('farm', { now: () => new Date(Date.now() + 31 * 86_400_000) });
  const young = await scene.farm('young');
  await scene.delegateWheels('hostile', [farm, young], 1);
  await yankFiles(scene.developer.bench, normalizeName('hostile'), { subjects: ['hostile-1.0.tar.gz'], yanked: true });
  await farm.round();
  assert.deepEqual(kinds(farm), []);
  await young.round();
  assert.deepEqual(
    only(young, 'building').map(({ sdist }) => sdist),
    ['hostile-1.1.tar.gz'],
  );
});

test('the state belongs to one process and outlives it', async (t) => {
  const scene = await makeFarmScene(t);
  const directory = join(scene.directory, 'state');
  const state = FarmState.open(directory);
  assert.throws(() => FarmState.open(directory), { code: 'FARM_RUNNING' });
  state.look(normalizeName('a'), new Date(5));
  state.follow({ version: 7, root: 'ab' }, [normalizeName('b')], new Date(3));
  await writeFile(join(state.scratch, 'left'), 'by a build that was killed');
  state.close();
  const old = new DatabaseSync(join(directory, 'farm.sqlite'));
  old.exec('alter table builds drop column log');
  old.close();
  const again = FarmState.open(directory);
  t.after(() => again.close());
  assert.deepEqual(await readdir(again.scratch), []);
  assert.deepEqual(again.followed, { version: 7, root: 'ab' });
  assert.deepEqual([again.due(new Date(4)), again.due(new Date(5))], [['b'], ['b', 'a']]);
  const log = join(directory, 'logs/x.log');
  const [sdist, project] = ['ab'.repeat(32), normalizeName('a')];
  const none = { code: undefined, reason: undefined, detail: undefined, nextTry: undefined, wheel: undefined };
  const record = { ...none, sdist, project, filename: 'a-1.tar.gz', attempts: 1, updatedAt: new Date(6), log };
  again.put({ ...record, standing: 'failed' });
  assert.deepEqual(again.build(sdist), { ...record, standing: 'failed' });
});
