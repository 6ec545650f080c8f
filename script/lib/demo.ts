import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { attacks } from './demo-attacks.ts';
import { DemoIndex } from './demo-index.ts';
import { good, heading, quoted, say, shown } from './narrate.ts';
import { run } from './run.ts';

/** The whole path once, with real tools, told so that a newcomer can follow. Exit code 0 means that everything held. */

const root = resolve(import.meta.dirname, '..', '..');
const { values, positionals } = parseArgs({
  options: { keep: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** What is downloaded when no directory is given: popular, pure or with wheels for every platform, and quick. */
const popular = ['flask', 'requests', 'rich'];

const place = join(root, '.demo');
await rm(place, { recursive: true, force: true });
await mkdir(place, { recursive: true });
const began = performance.now();

heading('Distributions to publish');
const dist = join(place, 'dist');
await collect();
const files = (await readdir(dist)).toSorted();
good(`${files.length} files`);

const index = new DemoIndex(root, place);
try {
  heading('Keys, and an index');
  say(
    'The root and targets keys are made in a directory of their own, one folder for each holder. They never touch the index.',
  );
  await index.init();
  await index.serve();
  good(`serving at ${index.url}`);

  heading('Publish with twine');
  await index.upload(files.map((file) => join(dist, file)));
  good('each of them was signed before twine got its answer');

  heading('Trust the index, once');
  await index.trust();

  const project = await index.firstProject(dist, positionals[0] === undefined ? popular[0] : undefined);
  heading(`Install ${project.name} with pip`);
  await index.installWithPip(project, 'pip-environment');
  heading(`Install ${project.name} with uv`);
  await index.installWithUv(project, 'uv-environment');

  heading('Who vouched for each file?');
  const verified = await index.verify(files.map((file) => join(dist, file)));
  quoted(verified.output, 60);
  if (verified.code !== 0) throw new Error('not every file is vouched for');

  heading(`The developer of ${project.name} claims it`);
  say(
    'So far the index signs for everyone. From now on it cannot sign for this project: the key never leaves the developer.',
  );
  await index.claim(project.name);
  heading('The holders of the offline keys make that last');
  await index.signOffline();
  quoted((await index.holdfast(['status', project.name])).output);

  await attacks(index, project);

  console.log();
  good(`Everything held. ${Math.round((performance.now() - began) / 1000)} seconds.`);
  if (values.keep) {
    index.leaveRunning();
    say(`The index keeps running at ${index.url} (process ${index.pid}); stop it with: kill ${index.pid}`);
  }
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  if (!values.keep || process.exitCode === 1) await index.stop();
}
process.exit();

async function collect(): Promise<void> {
  const [given] = positionals;
  await mkdir(dist);
  if (given !== undefined) {
    for (const file of await readdir(given)) {
      if (/\.(whl|tar\.gz)$/.test(file)) await cp(join(given, file), join(dist, file));
    }
    return;
  }
  const pip = join(root, '.tools', 'clients', 'bin', 'pip');
  shown(['pip', 'download', ...popular]);
  const downloaded = await run([pip, 'download', '--quiet', '--dest', dist, ...popular], process.env);
  if (downloaded.code !== 0) throw new Error(`pip download failed:\n${downloaded.output}`);
}
