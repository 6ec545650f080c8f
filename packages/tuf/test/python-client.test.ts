import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MemoryMetadataStore, targetUrlPath, Updater } from '@holdfast/tuf';
import { generateKey } from '@holdfast/tuf/node';
import { createHash } from 'node:crypto';
import { delegate, DAY_MS, TestRepository } from './repository.ts';
import { python } from './python.ts';

const PYTHON = fileURLToPath(new URL('../../../.tools/venv/bin/python', import.meta.url));

const DOWNLOAD = `
import os, sys
from tuf.ngclient import Updater
directory, url, *targets = sys.argv[1:]
root = open(os.path.join(directory, "trusted-root.json"), "rb").read()
updater = Updater(os.path.join(directory, "m"), url + "/metadata/", directory, url + "/targets/", bootstrap=root)
for target in targets:
    info = updater.get_targetinfo(target)
    print("none" if info is None else open(updater.download_target(info)).read())
`;

const WRITE = `
import base64, json, sys
from datetime import datetime, timedelta, timezone
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import *
from tuf.api.serialization.json import JSONSerializer

signers = [CryptoSigner(ed25519.Ed25519PrivateKey.generate()), CryptoSigner(ec.generate_private_key(ec.SECP256R1())),
           CryptoSigner(rsa.generate_private_key(public_exponent=65537, key_size=3072)), CryptoSigner(ec.generate_private_key(ec.SECP384R1()))]
expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=2)
root = Root(expires=expires)
root.version = 1
for role, signer in zip(["root", "timestamp", "snapshot", "targets"], signers):
    root.add_key(signer.public_key, role)
root.add_key(signers[2].public_key, "root")
root.roles["root"].threshold = 2
bins = SuccinctRoles([], 1, 4, "bin")
targets = Targets(expires=expires, delegations=Delegations({}, succinct_roles=bins))
targets.add_key(signers[0].public_key)
content = {"bin-%x" % n: Targets(expires=expires) for n in range(16)}
for path in ["a/b.txt", "\\u00fc \\U0001f600.txt", "constructor"]:
    content[bins.get_role_for_target(path)].targets[path] = TargetFile.from_data(path, path.encode())
snapshot = Snapshot(expires=expires, meta={name + ".json": MetaFile(1) for name in ["targets", *content]})
files = {}
def write(name, signed, *with_signers):
    metadata = Metadata(signed)
    for signer in with_signers:
        metadata.sign(signer, append=True)
    files[name] = base64.b64encode(metadata.to_bytes(JSONSerializer(compact=COMPACT))).decode()
    return files[name]
COMPACT = json.load(sys.stdin)
write("1.root.json", root, signers[0], signers[2])
write("timestamp.json", Timestamp(expires=expires, snapshot_meta=MetaFile.from_data(1, base64.b64decode(write("1.snapshot.json", snapshot, signers[2])), ["sha256"])), signers[1])
write("1.targets.json", targets, signers[3])
for name, signed in content.items():
    write("1." + name + ".json", signed, signers[0])
print(json.dumps(files))
`;

describe('python-tuf', () => {
  it('reads a repository of ours, unmodified, with all key types, and fetches what is delegated (P1)', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-tuf-'));
    const repository = await TestRepository.create();
    const soon = (days: number): Date => new Date(Date.now() + days * DAY_MS);
    repository.expires = { root: soon(365), timestamp: soon(1), snapshot: soon(7) };
    const [ecdsa, rsa] = await Promise.all([generateKey('ecdsa-sha2-nistp256'), generateKey('rsassa-pss-sha256')]);
    repository.signers = { ...repository.signers, timestamp: [ecdsa], snapshot: [rsa] };
    repository.withHashes = true;
    const content = 'content of é';
    const sha256 = createHash('sha256').update(content).digest('hex');
    const file = { length: Buffer.byteLength(content), hashes: new Map([['sha256', sha256]]) };
    const path = '3fa0b1/django/django-1.whl';
    repository.roles.set('targets', {
      signers: repository.signers.targets,
      expires: soon(9),
      delegations: delegate({ name: 'unclaimed.3', signer: rsa, paths: ['3*/*/*'] }),
    });
    repository.roles.set('unclaimed.3', { signers: [rsa], expires: soon(9), targets: new Map([[path, file]]) });
    await repository.publishRoot();
    await repository.publish();
    repository.files.set(`targets/${targetUrlPath(path, file, true)}`, Buffer.from(content));
    const server = createServer((request, response) => {
      const name = decodeURIComponent(
        (request.url ?? '').replace('/metadata/', '').slice(request.url?.startsWith('/targets/') ? 1 : 0),
      );
      const bytes = repository.files.get(name);
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const address = server.address();
      assert.ok(typeof address === 'object' && address !== null);
      await writeFile(join(directory, 'trusted-root.json'), repository.file('2.root.json'));
      const client = spawn(PYTHON, ['-c', DOWNLOAD, directory, `http://127.0.0.1:${address.port}`, path, 'absent']);
      const chunks: Buffer[] = [];
      const errors: Buffer[] = [];
      client.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      client.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
      await once(client, 'close');
      assert.equal(Buffer.concat(chunks).toString(), `${content}\nnone\n`, Buffer.concat(errors).toString());
    } finally {
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  for (const compact of [true, false]) {
    it(`writes repositories that we read: ed25519, ecdsa and rsa-pss, succinct bins, ${compact ? 'compact' : 'indented'}`, async () => {
      const written = python(WRITE, compact);
      assert.ok(typeof written === 'object' && written !== null);
      const files = new Map(
        Object.entries(written).map(([name, base64]) => [name, Buffer.from(String(base64), 'base64')]),
      );
      const repository = await TestRepository.create();
      repository.files.clear();
      for (const [name, bytes] of files) repository.files.set(name, bytes);
      const updater = new Updater({
        trustedRoot: repository.rootBytes,
        fetcher: repository,
        store: new MemoryMetadataStore(),
        clock: () => new Date(),
      });
      for (const path of ['a/b.txt', 'ü \u{1f600}.txt', 'constructor']) {
        const info = await updater.targetInfo(path);
        assert.equal(info?.file.hashes.get('sha256'), createHash('sha256').update(path).digest('hex'));
      }
      assert.equal(await updater.targetInfo('absent'), undefined);
    });
  }
});
