import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { serveIndex, type ServedIndexUnderTest } from '../packages/index/test/support/served-index.ts';
import { temporaryDirectory } from '../packages/index/test/support/tools.ts';
import { makeSdist, makeWheel } from '../packages/index/test/support/wheel.ts';
import { runTool } from '../packages/index/test/support/tools.ts';
import { generateKey, writeKeyFile } from '@holdfast/tuf/node';
import { environment, holdfast } from '../packages/holdfast/test/holdfast.ts';

const root = join(import.meta.dirname, '..');
const guide = await readFile(join(root, 'docs', 'guides', 'developer.md'), 'utf8');
const main = join(root, 'packages', 'holdfast', 'src', 'main.ts');

/** Somebody at a computer of their own who does what the guide says. */
interface Person {
  readonly directory: string;
  readonly token: string;
  readonly phrase: string;
}

/** The commands of a section, each with who gives it. */
function commandsOf(heading: string): readonly { readonly who: string; readonly line: string }[] {
  const section = guide.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? assert.fail(heading);
  const lines = Array.from(section.matchAll(/^```sh\n([\s\S]*?)^```/gm), ([, text = '']) => `# you:\n${text}`);
  let who = 'you';
  return lines.flatMap((text) =>
    text.split('\n').flatMap((line) => {
      const [, person] = /^# (.*):$/.exec(line) ?? [];
      if (person !== undefined) who = person;
      return person !== undefined || line === '' ? [] : [{ who, line }];
    }),
  );
}

class Story {
  readonly served: ServedIndexUnderTest;
  readonly people = new Map<string, Person>();
  readonly #t: TestContext;
  readonly done = new Set<string>();

  constructor(t: TestContext, served: ServedIndexUnderTest) {
    this.#t = t;
    this.served = served;
  }

  /** A computer with nothing on it but Python tools, `holdfast`, and what the operators handed out. */
  async add(who: string, account: string, phrase: string, token?: string): Promise<Person> {
    const directory = await temporaryDirectory(this.#t, 'guide');
    const bin = join(directory, 'bin');
    await mkdir(bin);
    await mkdir(join(directory, 'dist'));
    const shim = `#!/bin/sh\nexec '${process.execPath}' --conditions=holdfast-source '${main}' "$@"\n`;
    await writeFile(join(bin, 'holdfast'), shim);
    await chmod(join(bin, 'holdfast'), 0o755);
    await writeFile(join(directory, 'root.json'), this.served.root);
    const { index } = this.served;
    if (token === undefined && account !== 'ann') await index.accounts.createAccount(account);
    const own = token ?? (await index.accounts.createToken({ account, label: 'guide' })).token;
    const person = { directory, token: own, phrase };
    this.people.set(who, person);
    return person;
  }

  person(who: string): Person {
    return this.people.get(who) ?? assert.fail(who);
  }

  async build(who: string, version: string, platform = 'any'): Promise<void> {
    const wheel = makeWheel({ name: 'flask', version });
    const files = [{ ...wheel, filename: wheel.filename.replace('any.whl', `${platform}.whl`) }];
    if (platform === 'any') files.push(makeSdist({ name: 'flask', version }));
    for (const { filename, bytes } of files) await writeFile(join(this.person(who).directory, 'dist', filename), bytes);
  }

  /** Gives every command of a section at a terminal, and answers what is asked. */
  async follow(heading: string): Promise<readonly string[]> {
    const shown: string[] = [];
    for (const { who, line } of commandsOf(heading)) {
      this.done.add(line);
      shown.push(await this.give(who, line));
    }
    assert.ok(shown.length > 0, heading);
    return shown;
  }

  async give(who: string, line: string, expected: readonly number[] = [0, 3]): Promise<string> {
    const { directory, token, phrase } = this.person(who);
    const command = line
      .replaceAll('https://packages.example.com', this.served.url)
      .replace('1f0c22aa', line.includes('1f0c22aa') ? await this.keyidOf('your colleague') : '');
    const script = join(directory, 'line.sh');
    await writeFile(script, `${command}\n`);
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', `bash ${script}`, '/dev/null'], {
      cwd: directory,
      env: {
        ...environment(directory),
        PATH: `${join(directory, 'bin')}:${environment(directory)['PATH']}`,
        TWINE_USERNAME: '__token__',
        TWINE_PASSWORD: token,
        SHELL: '/bin/sh',
        TERM: 'dumb',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const answers: readonly (readonly [RegExp, string])[] = [
      [/API token: /, token],
      [/[Ss]ecret phrase of [^\n]*: /, phrase],
      [/[Pp]assphrase of [^\n]*: /, phrase],
      [/The same again: /, phrase],
      [/\[y\/N\] /, 'y'],
      [/Type the name of the project[^\n]*: /, 'flask'],
    ];
    let [output, seen] = ['', 0];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const asked = answers.find(([question]) => question.test(output.slice(seen)));
      if (!asked) return;
      seen = output.length;
      child.stdin.write(`${asked[1]}\r`);
    });
    const patience = setTimeout(() => child.kill('SIGKILL'), 240_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(patience);
    assert.ok(expected.includes(code ?? -1), `${who}: ${line}\n${output}`);
    return stripVTControlCharacters(output).replaceAll('\r', '');
  }

  /** The beginning of somebody's key. */
  async keyidOf(who: string): Promise<string> {
    const { out } = await holdfast(this.person(who).directory, ['key', 'list']);
    return /^\* ([0-9a-f]{12})/m.exec(out)?.[1] ?? assert.fail(out);
  }

  /** What a stranger's pip gets. */
  async installs(version: string): Promise<boolean> {
    const stranger = await temporaryDirectory(this.#t, 'stranger');
    await writeFile(join(stranger, 'root.json'), this.served.root);
    this.people.set('stranger', { directory: stranger, token: '', phrase: '' });
    await mkdir(join(stranger, 'bin'));
    const shim = `#!/bin/sh\nexec '${process.execPath}' --conditions=holdfast-source '${main}' "$@"\n`;
    await writeFile(join(stranger, 'bin', 'holdfast'), shim);
    await chmod(join(stranger, 'bin', 'holdfast'), 0o755);
    await this.give('stranger', 'holdfast trust add company https://packages.example.com --root root.json');
    const output = await this.give(
      'stranger',
      `holdfast pip install --no-deps --target site flask==${version}`,
      [0, 1],
    );
    return output.includes(`Successfully installed flask-${version}`);
  }
}

const PHRASE = 'lantern gravel orbit walnut stubborn maple cricket';

test('somebody who knows pip and twine gets from nothing to a signed release by four commands, and through the rest of the guide', {
  timeout: 900_000,
}, async (t) => {
  const story = new Story(t, await serveIndex(t, {}, { model: 'legacy' }));
  await story.add('you', 'ann', PHRASE);
  await story.build('you', '1.0');
  const began = performance.now();
  const first = await story.follow('From nothing to a signed release');
  assert.equal(first.length, 4, 'at most four commands');
  assert.ok(performance.now() - began < 5 * 60_000, 'in under five minutes');
  assert.match(first[3] ?? '', /project\.flask {2}version 1, signed by key/);
  assert.match(first[3] ?? '', /flask is yours now/);
  assert.ok(await story.installs('1.0'));

  await story.build('you', '1.1');
  const [, status = ''] = await story.follow('Every release');
  assert.match(status, /project\.flask.*version 2[\s\S]*\(yours\)[\s\S]*4 files: 1\.1, 1\.0/);

  const old = makeWheel({ name: 'requests-flow', version: '0.9' });
  const { directory, token } = story.person('you');
  await writeFile(join(directory, old.filename), old.bytes);
  const repository = ['--repository-url', `${story.served.url}/legacy/`, '-u', '__token__', '-p', token];
  const brought = await runTool('twine', ['upload', ...repository, old.filename], { cwd: directory });
  assert.equal(brought.status, 0, brought.output);
  const [claimed = ''] = await story.follow('A project that you published with twine');
  assert.match(claimed, /requests_flow-0\.9-py3-none-any\.whl .* sha256 [0-9a-f]{64}[\s\S]*requests-flow is yours/);

  await story.build('you', '1.2');
  const unwanted = makeWheel({ name: 'flask', version: '1.2' });
  const stray = unwanted.filename.replace('py3', 'py2');
  await writeFile(join(directory, stray), unwanted.bytes);
  const strayed = await runTool('twine', ['upload', ...repository, stray], { cwd: directory });
  assert.equal(strayed.status, 0, strayed.output);
  const [, waiting = '', signed = '', discarded = ''] = await story.follow('CI builds, you sign');
  assert.match(waiting, /waits: holdfast sign flask[\s\S]*flask-1\.2\.tar\.gz/);
  assert.match(signed, /the same as dist\/flask-1\.2\.tar\.gz[\s\S]*Verified/);
  assert.match(discarded, /flask-1\.2-py2-none-any\.whl .*brought by ann[\s\S]*Thrown away: flask-1\.2-py2/);

  for (const [who, account] of [
    ['your colleague', 'bob'],
    ['your friend', 'eve'],
  ] as const) {
    await story.add(who, account, `${PHRASE} ${account}`);
    // A phrase is slow by design, and was tried above.
    await writeKeyFile(join(story.person(who).directory, 'own.key'), await generateKey('ed25519'), undefined);
    for (const { line } of commandsOf('From nothing to a signed release').slice(0, 3))
      await story.give(who, line.replace('--phrase', '--file own.key'));
  }
  await handOver(story, 'your colleague', 'A second maintainer', 'colleague.code');
  assert.match(await story.give('you', 'holdfast status flask'), /key [0-9a-f]{12} \(yours\)/);

  await story.build('your friend', '1.2', 'win_amd64');
  await handOver(story, 'your friend', 'A friend builds the Windows wheels', 'friend.code');
  assert.match(await story.give('you', 'holdfast status flask'), /7 files: 1\.2/);

  await story.add('you, on the new machine', 'ann', PHRASE, token);
  await story.give('you, on the new machine', commandsOf('From nothing to a signed release')[0]?.line ?? '');
  await handOver(story, 'you, on the new machine', 'A second machine', 'new-machine.code');
  assert.match(await story.give('you', 'holdfast status requests-flow'), /1 of 2 keys/);

  await story.follow('A mistake in a release');
  await story.build('you', '2.0');
  const last = await story.follow('A key is lost, or in the wrong hands');
  assert.match(last[0] ?? '', /flask is revoked/);
  assert.match(last[4] ?? '', /project\.flask\.2 {2}version 2/);
  assert.ok(await story.installs('2.0'));

  const all = guide.matchAll(/^```sh\n([\s\S]*?)^```/gm);
  const lines = Array.from(all, ([, text = '']) => text.split('\n')).flat();
  for (const line of lines) assert.ok(line === '' || line.startsWith('#') || story.done.has(line), `not run: ${line}`);
});

/** Follows a section in which a code goes from one machine to another. */
async function handOver(story: Story, from: string, heading: string, code: string): Promise<void> {
  for (const { who, line } of commandsOf(heading)) {
    story.done.add(line);
    const output = await story.give(who, line);
    const [vouch] = /^holdfast account vouch \S+$/m.exec(output) ?? [];
    if (vouch !== undefined) await story.give('you', vouch);
    if (line.endsWith(`> ${code}`)) {
      const text = await readFile(join(story.person(from).directory, code));
      await writeFile(join(story.person('you').directory, code), text);
    }
  }
}
