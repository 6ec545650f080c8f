import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Serves the files of a directory from memory, in a process of its own; prints its port. */
const [directory = ''] = process.argv.slice(2);
const files = new Map(readdirSync(directory).map((name) => [`/${name}`, readFileSync(join(directory, name))]));
const server = createServer((request, response) => {
  const bytes = files.get(request.url ?? '');
  response.writeHead(bytes === undefined ? 404 : 200, { 'content-length': bytes?.length ?? 0 });
  response.end(bytes);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
