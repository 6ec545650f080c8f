import type { ServerResponse } from 'node:http';
import type { IndexClient } from '../client/index-client.ts';
import type { Journal } from './journal.ts';

/** The page at `/`: which indexes are served, what was refused and why, what was handed out. Works without scripts. */
export function renderStatusPage(response: ServerResponse, clients: readonly IndexClient[], journal: Journal): void {
  const refusals = journal.refusals.map(
    ({ at, subject, explanation }) =>
      html`<li><time>${at.toISOString()}</time> <strong>${subject}</strong><br>${explanation.sentence} ${explanation.remedy}</li>`,
  );
  const files = journal.handedOut.map(
    ({ file }) =>
      html`<tr><td>${file.filename}<td>${file.voucher.index}<td>${file.voucher.chain.join(' → ')}<td>${file.sha256}</tr>`,
  );
  const indexes = clients.map(
    (client) => html`<li>${client.name}: ${describe(client)} (${client.mirrorUrls.join(', ')})</li>`,
  );
  const body = Buffer.from(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Holdfast proxy</title>
<style>body{font:16px/1.5 system-ui;max-width:70rem;margin:2rem auto;padding:0 1rem}td{padding-right:1rem;font-size:.9rem}strong{color:#a00}</style>
<h1>Holdfast verifying proxy</h1>
<h2>Trusted indexes</h2><ul>${indexes.join('')}</ul>
<h2>Refused</h2>${refusals.length > 0 ? `<ul>${refusals.join('')}</ul>` : '<p>Nothing.</p>'}
<h2>Verified and handed out</h2>${files.length > 0 ? `<table><tr><th>File<th>Index<th>Vouched for by<th>SHA-256</tr>${files.join('')}</table>` : '<p>Nothing yet.</p>'}
</html>
`);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(body);
}

function describe({ freshness }: IndexClient): string {
  if (!freshness) return 'not asked yet';
  const { offline, timestampVersion, timestampExpires } = freshness;
  return `${offline ? 'offline, ' : ''}timestamp ${timestampVersion}, valid until ${timestampExpires.toISOString()}`;
}

/** A template whose values are escaped. */
function html(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(escapeHtml));
}

const ESCAPES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES.get(character) ?? '');
