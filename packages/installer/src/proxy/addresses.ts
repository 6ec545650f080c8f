import type { IndexClient } from '../client/index-client.ts';

/**
 * The address under which pip and uv see the proxy, whatever port it really listens on: every request of theirs goes
 * through HTTP_PROXY, so the address need not be one that answers. It stays the same from run to run, so that caches stay
 * warm and lock files do not change. 4653 spells HOLD on a telephone.
 */
export const STABLE_ORIGIN = 'http://127.0.0.1:4653';

/** Where a request leads. */
export type Destination =
  | { readonly kind: 'own'; readonly path: string }
  | { readonly kind: 'index'; readonly client: IndexClient; readonly path: string }
  | { readonly kind: 'foreign'; readonly host: string; readonly url: URL };

/** Names under which the proxy itself may be addressed. Anything else in Host is DNS rebinding, or a mistake. */
export function ownHosts(port: number): ReadonlySet<string> {
  const ports = [port, Number(new URL(STABLE_ORIGIN).port)];
  return new Set(ports.flatMap((each) => [`127.0.0.1:${each}`, `localhost:${each}`, `[::1]:${each}`]));
}

/** Sorts an absolute-form request (RFC 9112 §3.2.2): to the proxy itself, to a trusted index, or elsewhere. */
export function destinationOf(url: URL, own: ReadonlySet<string>, clients: readonly IndexClient[]): Destination {
  if (own.has(url.host)) return { kind: 'own', path: url.pathname };
  for (const client of clients) {
    const base = client.mirrorUrls.find((mirror) => url.href.startsWith(mirror));
    if (base !== undefined) return { kind: 'index', client, path: url.pathname.slice(new URL(base).pathname.length) };
  }
  return { kind: 'foreign', host: url.host, url };
}
