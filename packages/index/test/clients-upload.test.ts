import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { rawRequest } from './support/raw-request.ts';
import { type ServedIndexUnderTest, serveIndex } from './support/served-index.ts';
import { type Finished, type Tool, runTool, temporaryDirectory } from './support/tools.ts';
import { type Distribution, makeSdist, makeWheel } from './support/wheel.ts';

interface Project {
  readonly directory: string;
  /** The distributions, relative to the directory. */
  readonly files: readonly string[];
}

/** A project directory with its distributions built. */
async function makeProject(t: TestContext, name: string, files: readonly Distribution[]): Promise<Project> {
  const directory = await temporaryDirectory(t, name);
  await mkdir(join(directory, 'dist'));
  for (const { filename, bytes } of files) await writeFile(join(directory, 'dist', filename), bytes);
  return { directory, files: files.map(({ filename }) => `dist/${filename}`) };
}

type Publish = (served: ServedIndexUnderTest, project: Project) => Promise<Finished>;

/** How each uploader is told to upload what lies in `dist/`. */
const UPLOADERS: ReadonlyMap<Tool, Publish> = new Map<Tool, Publish>([
  [
    'twine',
    ({ url, token }, { directory, files }) =>
      runTool(
        'twine',
        ['upload', '--non-interactive', '--disable-progress-bar', '--repository-url', `${url}/legacy/`, ...files],
        { cwd: directory, env: { TWINE_USERNAME: '__token__', TWINE_PASSWORD: token } },
      ),
  ],
  [
    'uv',
    ({ url, token }, { directory, files }) =>
      runTool('uv', ['publish', '--publish-url', `${url}/legacy/`, ...files], {
        cwd: directory,
        env: { UV_PUBLISH_TOKEN: token },
      }),
  ],
  [
    'poetry',
    async ({ url, token }, { directory }) => {
      const project = '[project]\nname = "demo"\nversion = "1.0"\ndescription = "A demo."\n';
      await writeFile(join(directory, 'pyproject.toml'), project);
      return runTool('poetry', ['publish', '--no-interaction', '--repository', 'test'], {
        cwd: directory,
        env: {
          POETRY_REPOSITORIES_TEST_URL: `${url}/legacy/`,
          POETRY_HTTP_BASIC_TEST_USERNAME: '__token__',
          POETRY_HTTP_BASIC_TEST_PASSWORD: token,
        },
      });
    },
  ],
  [
    'pdm',
    async ({ url, token }, { directory }) => {
      await writeFile(
        join(directory, 'pyproject.toml'),
        '[project]\nname = "demo"\nversion = "1.0"\nrequires-python = ">=3.8"\n',
      );
      // Without -vv, pdm keeps the reason of a refusal for its log file.
      const args = ['publish', '-vv', '--no-build', '--repository', `${url}/legacy/`, '--username', '__token__'];
      return runTool('pdm', args, { cwd: directory, env: { PDM_PUBLISH_PASSWORD: token } });
    },
  ],
  [
    'hatch',
    ({ url, token }, { directory, files }) =>
      runTool('hatch', ['--no-interactive', 'publish', '--no-prompt', '--repo', `${url}/legacy/`, ...files], {
        cwd: directory,
        env: { HATCH_INDEX_USER: '__token__', HATCH_INDEX_AUTH: token },
      }),
  ],
  [
    'flit',
    async ({ url, token }, { directory }) => {
      const backend = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n';
      const project = '[project]\nname = "demo"\nversion = "1.0"\ndescription = "A demo."\n';
      await writeFile(join(directory, 'pyproject.toml'), `${backend}${project}requires-python = ">=3.8"\n`);
      await writeFile(join(directory, 'demo.py'), '"""A demo."""\nVERSION = "1.0"\n');
      return runTool('flit', ['publish'], {
        cwd: directory,
        env: {
          FLIT_INDEX_URL: `${url}/legacy/`,
          FLIT_USERNAME: '__token__',
          FLIT_PASSWORD: token,
          SOURCE_DATE_EPOCH: '1700000000',
        },
      });
    },
  ],
]);

/** What the project page lists, as an installer reads it. */
async function listed(url: string): Promise<string[]> {
  const headers = { accept: 'application/vnd.pypi.simple.v1+json' };
  const page = await rawRequest(`${url}/simple/demo/`, { headers });
  if (page.status === 404) return [];
  const { files } = JSON.parse(page.body.toString()) as { files: { filename: string }[] };
  return files.map(({ filename }) => filename).sort();
}

for (const [tool, publish] of UPLOADERS) {
  test(`real ${tool} publishes a wheel and an sdist, and publishing them again is no error`, async (t) => {
    const served = await serveIndex(t);
    const project = await makeProject(t, tool, [makeWheel(), makeSdist()]);
    for (const time of ['first', 'second']) {
      const { status, output } = await publish(served, project);
      assert.equal(status, 0, `${time}: ${output}`);
      assert.deepEqual(await listed(served.url), ['demo-1.0-py3-none-any.whl', 'demo-1.0.tar.gz']);
    }
    assert.deepEqual(await served.leftovers(), []);
  });
}

/** What a user reads when another file under the name is there, and when the token is wrong. */
for (const [tool, publish] of UPLOADERS) {
  if (tool === 'flit') continue; // it builds by itself, so that it cannot be given another file
  test(`real ${tool} shows its user why a file is refused`, async (t) => {
    const served = await serveIndex(t);
    await publish(served, await makeProject(t, tool, [makeWheel()]));
    const other = { filename: makeWheel().filename, bytes: makeWheel({ extra: [['other.py', '']] }).bytes };
    const taken = await publish(served, await makeProject(t, tool, [other]));
    assert.notEqual(taken.status, 0);
    assert.match(taken.output.replaceAll(/\s+/g, ' '), /File already exists: demo-1\.0-py3-none-any\.whl/);
    const wrong = await publish(
      { ...served, token: 'hf_wrong' },
      await makeProject(t, tool, [makeWheel({ version: '2.0' })]),
    );
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.output.replaceAll(/\s+/g, ' '), /403/);
    assert.deepEqual(await listed(served.url), ['demo-1.0-py3-none-any.whl']);
  });
}

test('real uv finds with --check-url what is published, by its hash, and uploads only the rest (A4)', async (t) => {
  const served = await serveIndex(t);
  const project = await makeProject(t, 'uv', [makeWheel(), makeSdist()]);
  const publish = (files: readonly string[]): Promise<Finished> =>
    runTool(
      'uv',
      ['publish', '--publish-url', `${served.url}/legacy/`, '--check-url', `${served.url}/simple/`, ...files],
      {
        cwd: project.directory,
        env: { UV_PUBLISH_TOKEN: served.token },
      },
    );
  const first = await publish(project.files.slice(0, 1));
  assert.equal(first.status, 0, first.output);
  const second = await publish(project.files);
  assert.equal(second.status, 0, second.output);
  assert.match(second.output, /demo-1\.0-py3-none-any\.whl already exists, skipping/);
  assert.deepEqual(await listed(served.url), ['demo-1.0-py3-none-any.whl', 'demo-1.0.tar.gz']);
});
