import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { good, quoted, say, shown } from './narrate.ts';
import { type Ran, run, start } from './run.ts';

/** A project that the demo installs: its name, and a statement that imports it. */
export interface DemoProject {
  readonly name: string;
  readonly importName: string;
}

/** How long a timestamp is valid in the demo. A real index says a day; nobody wants to watch that. */
const TIMESTAMP_LIFETIME_SECONDS = 30;

/** The index of the demo and what its users type, each command run as a process of its own. */
export class DemoIndex {
  url = '';
  pid = 0;
  readonly directory: string;
  readonly #root: string;
  readonly #place: string;
  readonly #environment: NodeJS.ProcessEnv;
  #server: ChildProcess | undefined;
  #token = '';

  constructor(root: string, place: string) {
    this.#root = root;
    this.#place = place;
    this.directory = join(place, 'index');
    this.#environment = {
      ...process.env,
      HOLDFAST_HOME: join(place, 'home'),
      HOLDFAST_PASSPHRASE: randomBytes(16).toString('hex'),
      HOLDFAST_OFFLINE_PASSPHRASE: randomBytes(16).toString('hex'),
      PATH: `${join(root, 'node_modules', '.bin')}:${join(root, '.tools', 'clients', 'bin')}:${process.env['PATH'] ?? ''}`,
    };
  }

  /** Of the online key: it is on the machine of the index, so whoever takes that over has it. */
  get passphrase(): string {
    return this.#environment['HOLDFAST_PASSPHRASE'] ?? '';
  }

  get rootFile(): string {
    return join(this.#place, 'offline-keys', 'root.json');
  }

  /** Runs `holdfast` as the user of `home`, and shows the command. */
  async holdfast(args: readonly string[], home = 'home', extra: NodeJS.ProcessEnv = {}): Promise<Ran> {
    shown(['holdfast', ...args.map((arg) => this.#short(arg))]);
    return this.#run(args, home, extra);
  }

  /** What `holdfast verify` says of files that this user has. */
  verify(files: readonly string[]): Promise<Ran> {
    shown(['holdfast', 'verify', 'dist/*']);
    return this.#run(['verify', ...files], 'home', {});
  }

  #run(args: readonly string[], home: string, extra: NodeJS.ProcessEnv): Promise<Ran> {
    return run(this.#command(args), { ...this.#environment, HOLDFAST_HOME: join(this.#place, home), ...extra });
  }

  async init(): Promise<void> {
    const offline = join(this.#place, 'offline-keys');
    const lifetime = `${TIMESTAMP_LIFETIME_SECONDS}s`;
    await this.#must(['init', this.directory, '--offline-keys', offline, '--timestamp-lifetime', lifetime]);
    say(`offline-keys holds: ${(await readdir(offline)).toSorted().join(', ')}`);
    await this.#must(['account', 'create', this.directory, 'demo']);
    const created = await run(
      this.#command(['token', 'create', this.directory, 'demo', '--label', 'laptop']),
      this.#environment,
    );
    this.#token = /hf_[0-9A-Za-z]+/.exec(created.output)?.[0] ?? '';
    if (this.#token === '') throw new Error(`no token came:\n${created.output}`);
    shown(['holdfast', 'token', 'create', 'index', 'demo']);
    quoted(`${this.#token.slice(0, 8)}…  (shown once)`);
  }

  async serve(): Promise<void> {
    shown(['holdfast', 'serve', 'index']);
    const { child, match } = await start(
      this.#command(['serve', this.directory, '--port', '0']),
      this.#environment,
      /(http:\/\/[^\s]+)/,
      { detached: true },
    );
    this.#server = child;
    this.pid = child.pid ?? 0;
    this.url = match[1] ?? '';
  }

  async upload(files: readonly string[]): Promise<void> {
    shown(['twine', 'upload', '--repository-url', `${this.url}/legacy/`, 'dist/*']);
    const twine = join(this.#root, '.tools', 'clients', 'bin', 'twine');
    const uploaded = await run(
      [twine, 'upload', '--disable-progress-bar', '--repository-url', `${this.url}/legacy/`, ...files],
      {
        ...this.#environment,
        TWINE_USERNAME: '__token__',
        TWINE_PASSWORD: this.#token,
        TWINE_NON_INTERACTIVE: '1',
      },
    );
    if (uploaded.code !== 0) throw new Error(`twine failed:\n${uploaded.output}`);
    quoted(uploaded.output, 4);
  }

  /** A key made from a secret phrase; then nobody publishes the project without it. */
  async claim(project: string): Promise<void> {
    const phrase = await this.#secretly(['key', 'phrase']);
    shown(['holdfast', 'key', 'phrase']);
    quoted(`${phrase.split(' ').slice(0, 2).join(' ')} …  (${phrase.split(' ').length} words, to be kept on paper)`);
    const secrets = { HOLDFAST_TOKEN: this.#token, HOLDFAST_PHRASE: phrase };
    await this.#must(['key', 'create', '--phrase'], secrets);
    await this.#must(['account', 'add-key'], secrets);
    await this.#must(['claim', project, '--yes'], secrets);
  }

  /** Everything that the holders of the offline keys sign, each alone; what goes back to the index holds no key. */
  async signOffline(): Promise<void> {
    const offline = join(this.#place, 'offline-keys');
    const carried = join(this.#place, 'carried.holdfast');
    await this.#must(['admin', 'export', this.directory, carried]);
    say('One file goes to the machine without a network. Each holder reads what it would change, and signs alone.');
    await this.#must(['admin', 'review', carried, '--root', this.rootFile]);
    const holders = (await readdir(offline)).filter((folder) => folder.startsWith('targets-')).toSorted();
    const signed = holders.map((holder) => join(this.#place, `${holder}.signatures`));
    for (const [at, holder] of holders.entries())
      await this.#must(['admin', 'sign', carried, '--key', join(offline, holder), '--out', signed[at] ?? '']);
    await this.#must(['admin', 'import', this.directory, carried, ...signed]);
  }

  async trust(home = 'home', url = this.url): Promise<void> {
    const added = await this.holdfast(['trust', 'add', 'demo', url, '--root', this.rootFile], home);
    if (added.code !== 0) throw new Error(added.output);
    if (home === 'home') quoted(added.output, 2);
  }

  async installWithPip(project: DemoProject, name: string): Promise<void> {
    const environment = join(this.#place, name);
    await this.#shell(['python3', '-m', 'venv', environment]);
    await this.#install(['pip', 'install', project.name], environment, project);
  }

  async installWithUv(project: DemoProject, name: string): Promise<void> {
    const environment = join(this.#place, name);
    await this.#shell([join(this.#root, '.tools', 'clients', 'bin', 'uv'), 'venv', '--quiet', environment]);
    await this.#install(['uv', 'pip', 'install', project.name], environment, project);
  }

  /** What `holdfast pip install` into a directory of its own says to the user of `home`. */
  tryToInstall(project: DemoProject, home: string): Promise<Ran> {
    const bin = join(this.#place, 'pip-environment', 'bin');
    const target = join(this.#place, `target-${home}`);
    const path = `${bin}:${this.#environment['PATH'] ?? ''}`;
    return this.holdfast(['pip', 'install', '--quiet', '--target', target, project.name], home, { PATH: path });
  }

  /** The project to install: the one named, or the one with the first wheel in the directory. */
  async firstProject(dist: string, named: string | undefined): Promise<DemoProject> {
    if (named !== undefined) return { name: named, importName: named };
    const wheel = (await readdir(dist)).toSorted().find((file) => file.endsWith('.whl'));
    if (wheel === undefined) throw new Error('the directory holds no wheel');
    const { output } = await run(['python3', '-m', 'zipfile', '--list', join(dist, wheel)], this.#environment);
    const [, packageName] = /^(\w+)\/__init__\.py\s/m.exec(output) ?? [];
    const [, moduleName] = /^(\w+)\.py\s/m.exec(output) ?? [];
    const importName = packageName ?? moduleName;
    if (importName === undefined) throw new Error(`${wheel} holds nothing to import`);
    return { name: (wheel.split('-')[0] ?? '').replaceAll('_', '-'), importName };
  }

  leaveRunning(): void {
    this.#server?.unref();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }

  async #install(args: readonly string[], environment: string, project: DemoProject): Promise<void> {
    const bin = join(environment, 'bin');
    const path = { PATH: `${bin}:${this.#environment['PATH'] ?? ''}`, VIRTUAL_ENV: environment };
    const installed = await this.holdfast(args, 'home', path);
    quoted(installed.output, 6);
    if (installed.code !== 0) throw new Error('the installation failed');
    await this.#shell([join(bin, 'python'), '-c', `import ${project.importName}`]);
    good(`import ${project.importName} works`);
  }

  async #secretly(args: readonly string[]): Promise<string> {
    const { code, output } = await this.#run(args, 'home', {});
    if (code !== 0) throw new Error(output);
    return output.trim();
  }

  async #must(args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<void> {
    const { code, output } = await this.holdfast(args, 'home', extra);
    if (code !== 0) throw new Error(output);
    quoted(output.replaceAll(`${this.#place}/`, ''), 40);
  }

  async #shell(command: readonly string[]): Promise<void> {
    shown(command.map((arg) => (arg.startsWith(this.#root) ? basename(arg) : arg)));
    const { code, output } = await run(command, this.#environment);
    if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${output}`);
  }

  #command(args: readonly string[]): string[] {
    return [process.execPath, join(this.#root, 'packages', 'holdfast', 'bin', 'holdfast.js'), ...args];
  }

  #short(arg: string): string {
    return arg.startsWith(this.#place) ? arg.slice(this.#place.length + 1) : arg;
  }
}
