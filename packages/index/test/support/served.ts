import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ServerOptions, startServer } from '../../src/http/server.ts';
import { DirectoryStore } from '../../src/objects/directory-store.ts';
import { MemoryIndex } from './memory-index.ts';

export interface Served {
  readonly index: MemoryIndex;
  readonly url: string;
  /** Good for everything that `ann` owns, and for new projects. */
  readonly token: string;
  /** Temporary upload files that are there now. */
  leftovers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A server over an index in memory, gone when the test ends. */
export async function serveMemory(t: TestContext, options: Partial<ServerOptions> = {}): Promise<Served> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
  const index = new MemoryIndex(await DirectoryStore.open(directory));
  const token = 'hf_ann';
  index.tokens.set(token, { account: 'ann' });
  const server = await startServer(index, { host: '127.0.0.1', port: 0, closeMs: 200, ...options });
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  return {
    index,
    url: server.url,
    token,
    leftovers: () => readdir(join(directory, 'incoming')),
    close: () => server.close(),
  };
}
