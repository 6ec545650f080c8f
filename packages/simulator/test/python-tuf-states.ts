import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tools } from './user.ts';

/** How anybody uses tuf.ngclient, for many repositories in one process: for each target a SHA-256, `none`, or the class of the error. */
const NGCLIENT = `
import json, os, sys
from tuf.ngclient import Updater
root = open(sys.argv[1], "rb").read()
def ask(cache, url, path):
    try:
        updater = Updater(cache, url + "metadata/", cache, url + "targets/", bootstrap=root)
        info = updater.get_targetinfo(path)
        return "none" if info is None else info.hashes["sha256"]
    except Exception as error:
        return type(error).__name__
answers = []
for number, (url, paths) in enumerate(json.load(sys.stdin)):
    answers.append([ask(f"{sys.argv[2]}/{number}-{at}", url, path) for at, path in enumerate(paths)])
print(json.dumps(answers))
`;

/** A state of an index at its address, and the target paths that are asked for, each with an empty cache. */
export type Question = readonly [url: string, paths: readonly string[]];

/** What python-tuf's own client, unmodified, answers. */
export async function askPythonTuf(
  root: Uint8Array,
  questions: readonly Question[],
): Promise<readonly (readonly string[])[]> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-python-tuf-'));
  try {
    await writeFile(join(directory, 'root.json'), root);
    const client = spawn(join(tools, 'python'), ['-c', NGCLIENT, join(directory, 'root.json'), directory]);
    let [output, errors] = ['', ''];
    client.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    client.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    client.stdin.end(JSON.stringify(questions));
    const code = await new Promise((resolve) => client.once('close', resolve));
    assert.equal(code, 0, errors);
    return JSON.parse(output) as string[][];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
