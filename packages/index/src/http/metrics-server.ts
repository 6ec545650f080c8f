import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from '../metrics.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** `/metrics` for Prometheus, on an address of its own: what it tells is for the operators and not for everyone. */
export async function startMetricsServer(
  metrics: Metrics,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET')
      return void response.writeHead(404, SECURITY_HEADERS).end();
    metrics.text().then(
      ({ contentType, body }) =>
        response.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': contentType }).end(body),
      () => response.writeHead(500, SECURITY_HEADERS).end(),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  const { address, family, port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/metrics`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
