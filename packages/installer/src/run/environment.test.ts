import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolEnvironment } from './environment.ts';

const plan = {
  proxyUrl: 'http://127.0.0.1:9',
  stableIndexUrl: 'http://127.0.0.1:4653/i/main/simple/',
  directIndexUrl: 'http://127.0.0.1:9/i/main/simple/',
  extraIndexUrls: [],
  reachesOutside: false,
};

test('points every tool at the proxy and takes away every other source', () => {
  const base = {
    PATH: '/bin',
    NO_PROXY: '*',
    all_proxy: 'x',
    PIP_EXTRA_INDEX_URL: 'https://x',
    UV_INDEX: 'https://y',
    UV_FIND_LINKS: 'z',
  };
  const { environment, replaced } = toolEnvironment(base, plan);
  assert.deepEqual(replaced, ['PIP_EXTRA_INDEX_URL', 'UV_INDEX', 'UV_FIND_LINKS']);
  assert.equal(environment['PATH'], '/bin');
  assert.equal(environment['NO_PROXY'], undefined);
  for (const name of ['HTTP_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'PIP_PROXY'])
    assert.equal(environment[name], plan.proxyUrl);
  assert.equal(environment['PIP_EXTRA_INDEX_URL'], ' ', 'pip would ignore an empty value');
  assert.equal(environment['UV_INDEX'], undefined);
  assert.equal(environment['UV_FIND_LINKS'], undefined);
  assert.equal(environment['PIP_DEFAULT_TIMEOUT'], '600');
});

test('hands no phrase, key or token on to code that is installed', () => {
  const secrets = ['PHRASE', 'KEY', 'KEY_PASSPHRASE', 'TOKEN', 'PIN', 'PASSPHRASE', 'OFFLINE_PASSPHRASE', 'HOMELY'];
  const base = { ...Object.fromEntries(secrets.map((name) => [`HOLDFAST_${name}`, 'secret'])), HOLDFAST_HOME: '/h' };
  const { environment } = toolEnvironment({ ...base, HOLDFAST_DEBUG: '1' }, plan);
  const own = Object.entries(environment).filter(([name]) => name.startsWith('HOLDFAST_'));
  assert.deepEqual(own, [
    ['HOLDFAST_HOME', '/h'],
    ['HOLDFAST_DEBUG', '1'],
  ]);
});

test("keeps the user's own patience and retries", () => {
  const { environment } = toolEnvironment({ PIP_DEFAULT_TIMEOUT: '5', UV_HTTP_TIMEOUT: '6', PIP_RETRIES: '3' }, plan);
  assert.deepEqual(
    [environment['PIP_DEFAULT_TIMEOUT'], environment['UV_HTTP_TIMEOUT'], environment['PIP_RETRIES']],
    ['5', '6', '3'],
  );
  const outside = toolEnvironment({}, { ...plan, reachesOutside: true }).environment;
  assert.equal(outside['PIP_RETRIES'], undefined);
});

test('a second index is merged only when it was asked for', () => {
  const { environment } = toolEnvironment({}, { ...plan, extraIndexUrls: ['http://127.0.0.1:4653/i/b/simple/'] });
  assert.equal(environment['PIP_EXTRA_INDEX_URL'], 'http://127.0.0.1:4653/i/b/simple/');
  assert.equal(environment['UV_INDEX'], 'http://127.0.0.1:4653/i/b/simple/');
});
