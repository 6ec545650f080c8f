import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { OfflineExpiry } from '../offline/expiry.ts';

const STYLE = `body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:4rem auto;padding:0 1.5rem;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem}pre{background:#f3f3ef;padding:.8rem 1rem;overflow-x:auto;border-radius:4px}
@media (prefers-color-scheme:dark){body{color:#e8e8e3;background:#17181a}pre{background:#26282b}a{color:#9ecbff}}`;

/** The landing page has one style sheet, known by its hash, and nothing else to load. */
export const LANDING_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

export interface LandingFacts {
  /** Where this index is reached, without a slash at the end. */
  readonly url: string;
  /** SHA-256 of the newest root metadata; `undefined` when there is none to show. */
  readonly rootFingerprint: string | undefined;
  /** What the operators have to sign soon. */
  readonly expiring: readonly OfflineExpiry[];
}

/** `/`: what this is, and how to install from it without having to trust it. */
export function landingPage({
  url,
  rootFingerprint,
  expiring,
}: LandingFacts): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A Holdfast package index</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<h1>A Holdfast package index</h1>
${expiring.map(banner)}
<p>This is an index of Python packages. Everything on it is listed in signed metadata
(<a href="https://theupdateframework.io/">The Update Framework</a>), so that your installer can notice when this server,
a mirror or the network gives it something else.</p>
<h2>Install</h2>
<p>Tell Holdfast once which root of trust is the right one, then install as always:</p>
<pre>holdfast trust add example ${url} --fingerprint ${rootFingerprint ?? 'HEX'}
holdfast pip install PACKAGE</pre>
<p><strong>Compare the fingerprint</strong> with the one that the operators of this index publish elsewhere: on paper, in
their repository, by telephone. A server that was broken into would show its own fingerprint here.</p>
<p>Plain pip and uv work too, without that protection: <code>pip install --index-url ${url}/simple/ PACKAGE</code></p>
<h2>Upload</h2>
<pre>twine upload --repository-url ${url}/legacy/ dist/*</pre>
<p>The user name is <code>__token__</code>, the password an API token of this index. When the upload succeeds, the file is
signed and public; if developers sign for the project themselves, it waits for their signature.</p>
<p><a href="simple/">All projects</a> · <a href="metadata/root.json">Root metadata</a> · <a href="readyz">Health</a></p>
</body>
</html>`;
}

/** Users see it too: who waits for an upload knows whom to remind. */
function banner({ role, expires }: OfflineExpiry): HtmlEscapedString | Promise<HtmlEscapedString> {
  const day = expires.toISOString().slice(0, 10);
  return html`<p role="status"><strong>Operators: ${role} expires on ${day}.</strong> From then on nobody can install what it
stands for. Sign it before: <code>holdfast admin export</code>.</p>`;
}
