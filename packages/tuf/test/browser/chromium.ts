import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

/** The machine's Chromium, without a window, with an empty profile of its own. */
export async function startChromium(profile: string): Promise<AsyncDisposable & { readonly context: BrowserContext }> {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findOnPath('chromium'),
    headless: true,
    // Its sandbox does not start as root, as which tests run in containers.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--headless=new', '--disable-gpu', '--disable-quic', '--disable-sync'],
  });
  return { context, [Symbol.asyncDispose]: () => context.close() };
}

function findOnPath(command: string): string {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, command);
    if (isExecutable(path)) return path;
  }
  throw new Error(`${command} is not on PATH; script/setup installs it`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
