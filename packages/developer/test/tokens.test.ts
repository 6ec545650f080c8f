import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findToken, forgetToken } from '@holdfast/developer';
import { keepToken } from '../src/account/token-store.ts';

const directory = await mkdtemp(join(tmpdir(), 'holdfast-tokens-'));
const home = join(directory, 'home');
after(() => rm(directory, { recursive: true }));
const URL_OF_INDEX = 'https://packages.example.com/';
const environment = { HOME: directory };

describe('a token is found', () => {
  it('in netrc, .pypirc, what was kept, the address, the environment: the later the stronger', async () => {
    const find = (url = URL_OF_INDEX, more: NodeJS.ProcessEnv = {}) =>
      findToken(home, url, { ...environment, ...more });
    assert.equal(await find(), undefined);
    await writeFile(join(directory, '.netrc'), 'machine packages.example.com login __token__ password netrc\n');
    assert.equal(await find(), 'netrc');
    const section = `[x]\nrepository = ${URL_OF_INDEX}legacy/\nusername = __token__\npassword = pypirc\n`;
    await writeFile(join(directory, '.pypirc'), section);
    assert.equal(await find(), 'pypirc');
    await keepToken(home, URL_OF_INDEX, 'kept');
    assert.equal(await find(), 'kept');
    assert.equal(await find('https://packages.example.com/simple'), 'kept', 'people paste that address, too');
    assert.equal(await find('https://__token__:address@packages.example.com/'), 'address');
    assert.equal(await find(URL_OF_INDEX, { HOLDFAST_TOKEN: 'environment' }), 'environment');
    assert.equal(await find('https://other.example.com/'), undefined);
    assert.equal(await forgetToken(home, URL_OF_INDEX), true);
    assert.equal(await forgetToken(home, URL_OF_INDEX), false);
    assert.equal(await find(), 'pypirc');
  });

  it('but a user’s password is none', async () => {
    const own = { HOME: join(directory, 'nowhere'), NETRC: join(directory, 'netrc-ann') };
    await writeFile(own.NETRC, 'machine packages.example.com login ann password secret\n');
    assert.equal(await findToken(home, URL_OF_INDEX, own), undefined);
    assert.equal(await findToken(home, 'https://ann:secret@packages.example.com/', own), undefined);
  });
});

describe('a token that is kept', () => {
  it('is readable by its owner only, and a damaged file is not guessed at', async () => {
    await keepToken(home, URL_OF_INDEX, 'kept');
    const path = join(home, 'developer/tokens.json');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const good = await readFile(path, 'utf8');
    for (const text of [good.slice(1), '{"format":2,"tokens":{}}', '{"format":1,"tokens":{"a":1}}', '']) {
      await writeFile(path, text);
      await assert.rejects(findToken(home, URL_OF_INDEX, environment), { code: 'TOKEN_STORE' }, text);
      await assert.rejects(keepToken(home, URL_OF_INDEX, 'new'), { code: 'TOKEN_STORE' });
      assert.equal(await readFile(path, 'utf8'), text);
    }
    await chmod(path, 0o600);
  });
});
