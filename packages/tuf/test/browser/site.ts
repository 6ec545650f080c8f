import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';

const IMPORT_MAP = JSON.stringify({
  imports: {
    '@holdfast/tuf': '/modules/tuf/index.js',
    '@holdfast/tuf/browser': '/modules/tuf/browser/index.js',
    // What a bundler, or a server of modules, reads from the package's own `imports` under the condition `browser`.
    '#crypto': '/modules/tuf/crypto/web.js',
  },
});
const importMapHash = createHash('sha256').update(IMPORT_MAP).digest('base64');

/** As strict as a page can be: no code but the site's own files, no generated code, no other address. */
const POLICY = `default-src 'none'; script-src 'self' 'sha256-${importMapHash}'; connect-src 'self'`;
const PAGE = `<!doctype html><title>TUF</title><script type="importmap">${IMPORT_MAP}</script>`;

export interface Site extends AsyncDisposable {
  readonly url: string;
  /** Paths asked for since the list was emptied last, in order. */
  readonly requests: string[];
  /** What the repository offers below `/metadata/` and `/targets/`. */
  metadata: ReadonlyMap<string, Uint8Array>;
  targets: ReadonlyMap<string, Uint8Array>;
  trustedRoot: Uint8Array;
}

/** A web site with one empty page, the modules of a directory (the built package in `tuf/`), and a repository. */
export async function startSite(modules: string): Promise<Site> {
  const empty: ReadonlyMap<string, Uint8Array> = new Map();
  const content = { requests: [] as string[], metadata: empty, targets: empty, trustedRoot: new Uint8Array() };
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    content.requests.push(path);
    answer(response, path, content, modules).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(content, {
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

type Content = Pick<Site, 'metadata' | 'targets' | 'trustedRoot'>;

async function answer(response: ServerResponse, path: string, content: Content, modules: string): Promise<void> {
  const [, directory, rest = ''] = /^\/(metadata|targets|modules)\/(.*)$/.exec(path) ?? [];
  if (path === '/') return send(response, 'text/html', PAGE);
  if (path === '/trusted-root.json') return send(response, 'application/json', content.trustedRoot);
  if (directory === 'modules') return send(response, 'text/javascript', await readFile(join(modules, rest)));
  const files = directory === 'metadata' ? content.metadata : content.targets;
  return send(response, 'application/octet-stream', files.get(decodeURIComponent(rest)));
}

function send(response: ServerResponse, type: string, body: string | Uint8Array | undefined): void {
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': type, 'content-security-policy': POLICY });
  response.end(body);
}
