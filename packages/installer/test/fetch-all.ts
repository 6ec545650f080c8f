/** A program for tests: `fetch-all.ts HOME PROJECT…` fetches every file of the projects into the store, and prints each. */
import { normalizeName } from '@holdfast/python-index';
import { IndexClient } from '../src/client/index-client.ts';

const [home = '', ...projects] = process.argv.slice(2);
const client = await IndexClient.open({ home, environment: {} });
await Promise.all(
  projects.map(async (name) => {
    const project = await client.project(normalizeName(name));
    for (const file of project?.files ?? []) {
      await client.coreMetadata(file);
      process.stdout.write(`${file.filename} ${await client.file(file)}\n`);
    }
  }),
);
client.close();
