import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { addTrust, IndexClient, type VerifiedDistribution } from '@holdfast/installer';
import { parseDistributionFilename } from '@holdfast/python-index';
import { serveIndex, type ServedIndexUnderTest } from '../../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../../index/test/support/tools.ts';
import { upload } from '../../../index/test/support/upload.ts';
import type { Distribution } from '../../../index/test/support/wheel.ts';

export interface Scene {
  readonly served: ServedIndexUnderTest;
  readonly client: IndexClient;
  readonly directory: string;
  readonly home: string;
  /** Uploads a file, and has it as verified metadata lists it. */
  add(file: Distribution): Promise<VerifiedDistribution>;
}

/** A real index that a home trusts. */
export async function makeScene(t: TestContext): Promise<Scene> {
  const served = await serveIndex(t);
  const directory = await temporaryDirectory(t, 'build-farm');
  const home = join(directory, 'home');
  await addTrust({ home, name: 'main', urls: [`${served.url}/`], root: served.root, environment: {} });
  const client = await IndexClient.open({ home, environment: {}, refreshAfterMs: 0 });
  t.after(() => client.close());
  const add = async (file: Distribution): Promise<VerifiedDistribution> => {
    const answer = await upload(served, file);
    if (answer.status !== 200) throw new Error(`${file.filename}: ${answer.status} ${await answer.text()}`);
    const { project } = parseDistributionFilename(file.filename);
    const listed = (await client.project(project))?.files.find(({ filename }) => filename === file.filename);
    if (!listed) throw new Error(`${file.filename} is not listed`);
    return listed;
  };
  return { served, client, directory, home, add };
}
