import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeTransaction, ProjectRoleEditor, type ProjectTransaction } from '@holdfast/trust';
import { parseTargets, signMetadata } from '@holdfast/tuf';
import { readKeyFile, writeKeyFile } from '@holdfast/tuf/node';
import { ask, claimed, type Developer, makeDeveloper, type Project, type Told } from './support/developer.ts';
import { IndexProcess } from './support/index-process.ts';
import { PASSPHRASE, type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { verifiedFiles } from './support/bare-index.ts';
import { makeWheel } from './support/wheel.ts';

const PROJECTS = 10;
const WRITERS = 8;
const KILLS = 4;
const LATER = new Date('2028-11-21T12:00:00Z');

test('whoever loses the answer to a kill -9 sends the same again, and is told 200 for what is published and 409 for what is not (M5, M8)', async (t) => {
  const served = await serveIndex(t, {}, { model: 'legacy' });
  const ann = await makeDeveloper(served, 'ann');
  const names = Array.from({ length: PROJECTS }, (_, i) => `crash-${i}`);
  const projects = await Promise.all(names.map((name) => claimed(served, ann, name, [makeWheel({ name })])));
  await served.close();
  await withoutPassphrase(served);

  const process = new KilledProcess(t, served.directory);
  const answered: Answered[] = [];
  await process.start();
  let isDone = false;
  const writing = Array.from({ length: WRITERS }, (_, writer) =>
    writeUntilDone({ process, ann, projects, answered, writer, isDone: () => isDone }),
  );
  await process.kill(KILLS);
  isDone = true;
  await Promise.all(writing);

  for (const { role, name } of projects) {
    const said = await marksOf(served, role);
    const newest = Math.max(...said.keys());
    assert.equal(said.size, newest, `${role} has every version from 1 to ${newest} once`);
    const told = answered.filter((each) => each.role === role);
    const published = told.filter(({ status }) => status === 200).map(({ version, mark }) => [version, mark] as const);
    assert.deepEqual(
      new Map(published.sort(([a], [b]) => a - b)),
      new Map([...said].filter(([at]) => at > 1).sort(([a], [b]) => a - b)),
    );
    assert.equal(published.length, newest - 1, 'nobody else was told 200');
    assert.equal(
      (await verifiedFiles(served, name)).get(makeWheel({ name }).filename)?.split('!')[1],
      said.get(newest),
    );
  }
  const again = process.resent;
  assert.ok(again > 0, 'no answer was lost');
  t.diagnostic(`${answered.length} answered, ${again} sent again`);
});

/** What the writer of a transaction was told in the end. */
interface Answered {
  readonly role: string;
  readonly version: number;
  readonly mark: string;
  readonly status: number;
}

interface Writing {
  readonly process: KilledProcess;
  readonly ann: Developer;
  readonly projects: readonly Project[];
  readonly answered: Answered[];
  readonly writer: number;
  readonly isDone: () => boolean;
}

async function writeUntilDone({ process, ann, projects, answered, writer, isDone }: Writing): Promise<void> {
  for (let count = 0; !isDone(); count++) {
    const project = projects[Math.floor(Math.random() * projects.length)];
    if (!project) return;
    const mark = `${writer}.${count}`;
    const before = await process.ask(undefined, `GET projects/${project.name}/status`);
    const { version, transaction } = await next(project, ann, before, mark);
    const path = `POST projects/${project.name}/transactions` as const;
    const { status, body } = await process.ask(ann.token, path, encodeTransaction(transaction));
    assert.ok(status === 200 || status === 409, JSON.stringify(body));
    answered.push({ role: project.role, version, mark, status });
  }
}

async function next(
  { role, name }: Project,
  { signer }: Developer,
  { body }: Told,
  mark: string,
): Promise<{ version: number; transaction: ProjectTransaction }> {
  const roles = body['roles'] as Record<string, { metadata: string }>;
  const editor = new ProjectRoleEditor(role, Buffer.from(roles[role]?.metadata ?? ''));
  editor.yank(makeWheel({ name }).filename, mark);
  const metadata = await signMetadata(editor.build(LATER), [signer]);
  return { version: editor.version, transaction: { roles: new Map([[role, metadata]]) } };
}

/** A process that serves the index, is killed at moments that it cannot choose, and started again. */
class KilledProcess {
  readonly #t: TestContext;
  readonly #directory: string;
  #running: Promise<IndexProcess> | undefined;

  constructor(t: TestContext, directory: string) {
    this.#t = t;
    this.#directory = directory;
  }

  start(): Promise<IndexProcess> {
    this.#running = IndexProcess.start(this.#t, this.#directory, PASSPHRASE);
    return this.#running;
  }

  /** The last one that it starts lives on, for those who still wait for an answer. */
  async kill(times: number): Promise<void> {
    for (let kills = 0; kills < times; kills++) {
      await wait(200 + Math.random() * 800);
      await (await this.#running)?.kill();
      await this.start();
    }
  }

  /** Requests that were sent again. */
  resent = 0;

  /** Asks until there is an answer. */
  async ask(token: string | undefined, request: Parameters<typeof ask>[2], body?: unknown): Promise<Told> {
    for (;;) {
      const running = await this.#running;
      try {
        const told = await ask({ url: running?.url ?? '' }, token, request, body);
        if (told.status !== 503) return told;
      } catch {
        await wait(20); // It was killed, and starts again.
      }
      this.resent += body === undefined ? 0 : 1;
    }
  }
}

/** Deriving a key from the passphrase at every start would be most of what this test does. */
async function withoutPassphrase({ directory }: ServedIndexUnderTest): Promise<void> {
  const keys = join(directory, 'keys');
  for (const name of await readdir(keys))
    await writeKeyFile(join(keys, name), await readKeyFile(join(keys, name), PASSPHRASE), undefined);
}

/** By version: what each one that was ever published says. */
async function marksOf({ directory }: ServedIndexUnderTest, role: string): Promise<ReadonlyMap<number, string>> {
  const marks = new Map<number, string>();
  const metadata = join(directory, 'objects', 'metadata');
  for (const name of await readdir(metadata)) {
    const version = name.endsWith(`.${role}.json`) ? Number.parseInt(name, 10) : 0;
    if (version === 0) continue;
    const { targets } = parseTargets(await readFile(join(metadata, name))).signed;
    const [file] = targets.values();
    const mark = file?.custom?.get('yanked');
    marks.set(version, typeof mark === 'string' ? mark : `claim of ${role}`);
  }
  return marks;
}
