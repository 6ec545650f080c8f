#!/usr/bin/env node
// Node 24 is the floor. Under an older one this starts itself again with the pinned Node that npm brings as a package.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { isatty } from 'node:tty';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 15)) {
  module.enableCompileCache();
  await import('../dist/main.js');
} else {
  const pinned = findPinnedNode();
  if (pinned === undefined) {
    console.error(`holdfast needs Node 24.15 or newer; this is ${process.version}. Install a newer Node.`);
    process.exit(1);
  }
  const child = spawn(pinned, process.argv.slice(1), { stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // Ctrl-C at a terminal reaches the child by itself, and a second one would end it at once.
    const hasIt = name === 'SIGINT' && [0, 1, 2].some((descriptor) => isatty(descriptor));
    process.on(name, () => hasIt || child.kill(name));
  }
  child.on('error', ({ message }) => {
    console.error(`holdfast: ${pinned} does not start: ${message}. Install Node 24.15 or newer.`);
    process.exit(1);
  });
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function findPinnedNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}
