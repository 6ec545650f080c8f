import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { SignerProblem } from '@holdfast/tuf';
import { listAgentKeys, sshAgentSigner } from '@holdfast/tuf/node';
import fc from 'fast-check';
import { exchange } from '../src/node/ssh/exchange.ts';
import { publicKeyFromSsh, signatureFromSsh } from '../src/node/ssh/formats.ts';
import { SshFormatError, sshString, uint32 } from '../src/node/ssh/wire.ts';
import { accepted, judgedRoot } from './judged-root.ts';

const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'holdfast-agent-'));
const socketPath = join(directory, 'agent');
let agent: ChildProcess;

const KINDS = {
  ed25519: ['ed25519', 256],
  'ecdsa-sha2-nistp256': ['ecdsa', 256],
  'ecdsa-sha2-nistp384': ['ecdsa', 384],
  'rsa-pkcs1v15-sha256': ['rsa', 2048],
} as const;
const SCHEMES = Object.keys(KINDS);

const tool = (name: string, ...args: readonly string[]) =>
  run(name, args, { env: { ...process.env, SSH_AUTH_SOCK: socketPath, SSH_ASKPASS_REQUIRE: 'never' } });
const keyPath = (name: string): string => join(directory, name);

async function addKey(name: string, type: string, bits: number, ...options: readonly string[]): Promise<void> {
  await tool(
    'ssh-keygen',
    '-q',
    '-t',
    type,
    '-b',
    String(bits),
    '-N',
    '',
    '-C',
    `key for ${name}`,
    '-f',
    keyPath(name),
  );
  await tool('ssh-add', '-q', ...options, keyPath(name));
}

async function fingerprint(name: string): Promise<string> {
  const { stdout } = await tool('ssh-keygen', '-l', '-f', `${keyPath(name)}.pub`);
  return stdout.split(' ')[1] ?? '';
}

before(async () => {
  agent = spawn('ssh-agent', ['-D', '-a', socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(agent.stdout !== null);
  await once(agent.stdout, 'data');
  for (const [name, [type, bits]] of Object.entries(KINDS)) await addKey(name, type, bits);
  await addKey('P-521', 'ecdsa', 521);
});

after(async () => {
  agent.kill();
  await rm(directory, { recursive: true });
});

describe('a real SSH agent', () => {
  it('lists the keys that TUF has a scheme for, with the fingerprints that ssh-keygen prints, and no others', async () => {
    const keys = await listAgentKeys({ socketPath });
    const listed = keys.map(({ key, fingerprint, comment }) => [key.scheme, comment, fingerprint]);
    const expected = await Promise.all(SCHEMES.map(async (name) => [name, `key for ${name}`, await fingerprint(name)]));
    assert.deepEqual(listed, expected); // in the order in which they were added
  });

  it('signs metadata with ed25519, ecdsa and rsa that this package and python-tuf accept', async () => {
    const signers = await Promise.all(
      SCHEMES.map(async (name) => sshAgentSigner(await fingerprint(name), { socketPath })),
    );
    assert.deepEqual(await judgedRoot(signers), accepted(signers));
  });

  it('signs much, and every ecdsa signature has its numbers in shortest form', async () => {
    const signer = await sshAgentSigner(await fingerprint('ecdsa-sha2-nistp256'), { socketPath });
    const made = await Promise.all(Array.from({ length: 64 }, (_, index) => signer.sign(Buffer.from([index]))));
    assert.ok(new Set(made.map(({ length }) => length)).size > 1); // 70 to 72 bytes
  });

  it('is found by SSH_AUTH_SOCK, and the key by its keyid', async () => {
    const previous = process.env['SSH_AUTH_SOCK'];
    process.env['SSH_AUTH_SOCK'] = socketPath;
    try {
      const [{ key } = assert.fail()] = await listAgentKeys();
      assert.deepEqual((await sshAgentSigner(key.keyid)).key, key);
      delete process.env['SSH_AUTH_SOCK'];
      await assert.rejects(listAgentKeys(), { problem: 'unreachable', message: /SSH_AUTH_SOCK is not set/ });
    } finally {
      if (previous === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = previous;
    }
  });

  it('does not have every key: the error names those that it holds', async () => {
    await assert.rejects(sshAgentSigner('SHA256:absent', { socketPath }), {
      code: 'SIGNER',
      problem: 'no-such-key',
      message: /the SSH agent at .* does not have the key: SHA256:absent\. It holds .*\(key for ed25519\)/,
    });
  });

  it('refuses when the key was taken away meanwhile, or when nobody confirms', async () => {
    await addKey('confirmed', 'ed25519', 256, '-c'); // asks a person, and there is none
    const unconfirmed = await sshAgentSigner(await fingerprint('confirmed'), { socketPath });
    await assert.rejects(unconfirmed.sign(Buffer.from('data')), { code: 'SIGNER', problem: 'refused' });
    await tool('ssh-add', '-q', '-d', keyPath('confirmed'));
    await assert.rejects(unconfirmed.sign(Buffer.from('data')), { code: 'SIGNER', problem: 'refused' });
  });

  it('takes less than 256 KiB, which is said before it hangs up', async () => {
    const signer = await sshAgentSigner(await fingerprint('ed25519'), { socketPath });
    await signer.sign(new Uint8Array(261_000));
    await assert.rejects(signer.sign(new Uint8Array(262_144)), { problem: 'unsupported', message: /262144 bytes/ });
  });

  it('that does not run is unreachable', async () => {
    await assert.rejects(listAgentKeys({ socketPath: keyPath('nobody') }), {
      problem: 'unreachable',
      message: /the SSH agent at .*nobody cannot be reached/,
    });
  });
});

/** An agent that answers its n-th request as told; `undefined` = never. */
async function withAgent<T>(
  answer: (request: Buffer, socket: Socket) => Buffer | undefined,
  use: (socketPath: string) => Promise<T>,
): Promise<T> {
  const path = keyPath(`liar-${Math.random()}`);
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readUInt32BE()) return;
      const bytes = answer(received.subarray(4), socket);
      if (bytes !== undefined) socket.write(bytes);
    });
  }).listen(path);
  await once(server, 'listening');
  try {
    return await use(path);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Passes requests on to the real agent, and changes some of its answers. */
function askReal(request: Buffer, socket: Socket, change: (answer: Buffer) => Buffer): undefined {
  void (async () => {
    socket.write(sshString(change(await exchange(socketPath, request, 5000))));
  })();
}

const isSigning = (request: Buffer): boolean => request[0] === 13;

describe('an SSH agent that lies', () => {
  /** Lists truly, then answers the request to sign as told. */
  async function signWith(
    name: string,
    answer: (request: Buffer, socket: Socket) => Buffer | undefined,
    problem: SignerProblem,
  ): Promise<void> {
    const known = await fingerprint(name);
    await withAgent(
      (request, socket) => (isSigning(request) ? answer(request, socket) : askReal(request, socket, (bytes) => bytes)),
      async (liar) => {
        const timeoutMs = problem === 'timeout' ? 1500 : 30_000;
        const signer = await sshAgentSigner(known, { socketPath: liar, timeoutMs });
        await assert.rejects(signer.sign(Buffer.from('data')), { code: 'SIGNER', problem });
      },
    );
  }

  const flipLast = (answer: Buffer): Buffer => {
    const copy = Buffer.from(answer);
    copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
    return copy;
  };
  const signResponse = (signature: Buffer): Buffer => sshString(Buffer.concat([Buffer.of(14), sshString(signature)]));

  for (const name of SCHEMES)
    it(`about a ${name} signature is caught before the signature is returned`, () =>
      signWith(name, (request, socket) => askReal(request, socket, flipLast), 'invalid-signature'));

  it('with a signature by another key, or over other content, is caught', async () => {
    const other = await fingerprint('ecdsa-sha2-nistp256');
    await withAgent(
      (request, socket) => {
        if (!isSigning(request)) return askReal(request, socket, (bytes) => bytes);
        const blob = 4 + request.readUInt32BE(1);
        const changed = Buffer.concat([request.subarray(0, 1 + blob), sshString(Buffer.from('other')), uint32(0)]);
        return askReal(changed, socket, (bytes) => bytes);
      },
      async (liar) => {
        const signer = await sshAgentSigner(other, { socketPath: liar });
        await assert.rejects(signer.sign(Buffer.from('data')), { problem: 'invalid-signature' });
      },
    );
  });

  it('with a SHA-1 signature instead of the one asked for is refused', () =>
    signWith(
      'rsa-pkcs1v15-sha256',
      () => signResponse(Buffer.concat([sshString(Buffer.from('ssh-rsa')), sshString(Buffer.alloc(256, 1))])),
      'invalid-answer',
    ));

  const answers: Readonly<Record<string, readonly [Buffer, SignerProblem]>> = {
    'of the wrong type': [sshString(Buffer.of(12)), 'invalid-answer'],
    'of no bytes': [uint32(0), 'invalid-answer'],
    'of 4 GiB': [uint32(0xffffffff), 'invalid-answer'],
    'of one byte more than allowed': [uint32(256 * 1024 + 1), 'invalid-answer'],
    'followed by another': [Buffer.concat([sshString(Buffer.of(5)), Buffer.of(0)]), 'invalid-answer'],
    'with a signature that is longer than the answer': [
      sshString(Buffer.concat([Buffer.of(14), uint32(1000)])),
      'invalid-answer',
    ],
    'with bytes after the signature': [
      sshString(Buffer.concat([Buffer.of(14), sshString(Buffer.of()), Buffer.of(0)])),
      'invalid-answer',
    ],
    'that refuses': [sshString(Buffer.of(5)), 'refused'],
  };
  for (const [name, [bytes, problem]] of Object.entries(answers))
    it(`with an answer ${name} gets no further`, () => signWith('ed25519', () => bytes, problem));

  it('that is silent is given up in time', () => signWith('ed25519', () => undefined, 'timeout'));

  it('that drips is given up in time', () =>
    signWith(
      'ed25519',
      (_, socket) => {
        socket.write(uint32(1000));
        const drip = setInterval(() => socket.write(Buffer.of(14)), 50);
        socket.on('close', () => clearInterval(drip));
        return undefined;
      },
      'timeout',
    ));

  it('that hangs up in the middle is refused', () =>
    signWith(
      'ed25519',
      (_, socket) => {
        socket.end(Buffer.concat([uint32(100), Buffer.of(14)]));
        return undefined;
      },
      'invalid-answer',
    ));

  it('about the number of its keys is refused', async () => {
    for (const listing of [[uint32(2 ** 31)], [uint32(0), Buffer.of(1)], [uint32(1), sshString(Buffer.of(1))]])
      await withAgent(
        () => sshString(Buffer.concat([Buffer.of(12), ...listing])),
        (liar) => assert.rejects(listAgentKeys({ socketPath: liar }), { problem: 'invalid-answer' }),
      );
  });

  it('about one key does not hide the others', async () => {
    const line = await readFile(`${keyPath('ed25519')}.pub`, 'utf8');
    const good = Buffer.from(line.split(' ')[1] ?? '', 'base64');
    const damaged = [Buffer.of(), good.subarray(0, 30), Buffer.concat([sshString(Buffer.from('ssh-rsa'))])];
    const entries = [...damaged, good].flatMap((blob) => [sshString(blob), sshString(Buffer.from('a\u001b[2Jb'))]);
    await withAgent(
      () => sshString(Buffer.concat([Buffer.of(12), uint32(4), ...entries])),
      async (liar) => {
        const keys = await listAgentKeys({ socketPath: liar });
        assert.deepEqual(
          keys.map(({ comment, fingerprint }) => [comment, fingerprint]),
          [['a?[2Jb', await fingerprint('ed25519')]],
        );
      },
    );
  });
});

describe('the SSH formats', () => {
  it('of any bytes are read, or refused as what they are', async () => {
    const type = fc.constantFrom(
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp384',
      'ssh-rsa',
      'rsa-sha2-256',
    );
    const blob = fc
      .tuple(
        type,
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.constant(Buffer.from('nistp256'))), { maxLength: 4 }),
        fc.uint8Array({ maxLength: 5 }),
      )
      .map(([name, parts, tail]) => Buffer.concat([sshString(Buffer.from(name)), ...parts.map(sshString), tail]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(blob, fc.uint8Array()), fc.constantFrom(...SCHEMES), async (bytes, scheme) => {
        await publicKeyFromSsh(bytes).catch((error: Error & { code?: string }) =>
          assert.ok(error instanceof SshFormatError || error.code === 'KEY', String(error)),
        );
        try {
          assert.ok(signatureFromSsh(scheme, bytes).length <= bytes.length + 16);
        } catch (error) {
          assert.ok(error instanceof SshFormatError, String(error));
        }
      }),
    );
  });
});
