#!/usr/bin/env node
// Node 24 is the floor. Under an older one this starts itself again with the pinned Node that npm brings as a package.
import { spawnSync } from 'node:child_process';
import module, { createRequire } from 'node:module';

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
  const { status, signal } = spawnSync(pinned, [process.argv[1], ...process.argv.slice(2)], { stdio: 'inherit' });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 1);
}

function findPinnedNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}
