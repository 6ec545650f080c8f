import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { IndexApi, inspectFiles, type LocalFile, type Workbench } from '@holdfast/developer';
import { addTrust, IndexClient } from '@holdfast/installer';
import type { SecurityModel } from '@holdfast/trust';
import type { Signer } from '@holdfast/tuf';
import { makeDeveloper } from '../../index/test/support/developer.ts';
import { serveIndex, type ServedIndexUnderTest } from '../../index/test/support/served-index.ts';
import { temporaryDirectory } from '../../index/test/support/tools.ts';
import { type Distribution, makeSdist, makeWheel } from '../../index/test/support/wheel.ts';

/** A developer with an account, a registered key, a computer that trusts the index, and a directory to build in. */
export interface Developer extends Workbench {
  readonly token: string;
  readonly ownSigner: Signer;
  readonly home: string;
  readonly directory: string;
  /** Writes files to the disk, as a build does, and looks into them. */
  build(...files: readonly Distribution[]): Promise<readonly LocalFile[]>;
}

export interface Scene {
  readonly served: ServedIndexUnderTest;
  developer(account: string): Promise<Developer>;
}

export async function scene(t: TestContext, model: SecurityModel = 'legacy'): Promise<Scene> {
  const served = await serveIndex(t, {}, { model });
  return { served, developer: (account) => developer(t, served, account) };
}

async function developer(t: TestContext, served: ServedIndexUnderTest, account: string): Promise<Developer> {
  const { token, signer } = await makeDeveloper(served, account);
  const directory = await temporaryDirectory(t, account);
  const home = join(directory, 'home');
  await addTrust({ home, name: 'main', urls: [served.url], root: served.root, environment: {} });
  const client = await IndexClient.open({ home, environment: {}, refreshAfterMs: 0 });
  t.after(() => client.close());
  return {
    client,
    api: new IndexApi({ url: served.url, token, environment: {} }),
    account,
    index: hash('sha256', served.root),
    signer: async () => signer,
    now: () => new Date(),
    token,
    ownSigner: signer,
    home,
    directory,
    async build(...files) {
      const dist = join(directory, 'dist');
      await mkdir(dist, { recursive: true });
      for (const { filename, bytes } of files) await writeFile(join(dist, filename), bytes);
      return inspectFiles(files.map(({ filename }) => join(dist, filename)));
    },
  };
}

/** The files of a release: an sdist and a wheel, or wheels for these platforms. */
export function releaseOf(name: string, version: string, platforms: readonly string[] = []): readonly Distribution[] {
  const wheel = makeWheel({ name, version });
  if (platforms.length === 0) return [makeSdist({ name, version }), wheel];
  return platforms.map((platform) => ({ ...wheel, filename: wheel.filename.replace('-any.whl', `-${platform}.whl`) }));
}
