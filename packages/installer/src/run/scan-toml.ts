import { type Finding, isRemote, shown } from './finding.ts';

/** Tables of pyproject.toml and uv.toml in which an address is a source of packages. */
const SOURCE_TABLE = /^tool\.(uv|poetry\.source|poetry\.(?:.*\.)?dependencies|pdm\.source|hatch\.envs|pixi)\b/;
const REQUIREMENT_TABLE = /^(project|project\.optional-dependencies|dependency-groups|build-system)$/;
/** uv prefers these settings over HTTP_PROXY and NO_PROXY, and would go around the verifying proxy. */
const PROXY_KEY = /^(?!\s*#).*?(?:^|[\s{,."'])(https?-proxy|no-proxy)["']?\s*=/;

/**
 * Sources that a pyproject.toml or uv.toml names. Not a TOML parser: it follows table headers, keys and strings line by
 * line, which is enough for an early warning. The proxy settings are looked for everywhere, comments excepted.
 */
export function scanToml(text: string, name: string): Finding[] {
  const findings: Finding[] = [];
  const isUvToml = /(^|[/\\])uv\.toml$/.test(name);
  let table = isUvToml ? 'tool.uv' : '';
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const where = `${name} line ${at + 1}`;
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$/.exec(line)?.[1]?.replaceAll(/["'\s]/g, '');
    if (header !== undefined) table = isUvToml ? `tool.uv.${header}` : header;
    const proxy = PROXY_KEY.exec(line)?.[1];
    if (proxy !== undefined && /^tool\.uv\b|^tool$|^$/.test(table)) {
      findings.push({ kind: 'unsafe', where, what: proxy, value: '' });
      continue;
    }
    const source = SOURCE_TABLE.test(table);
    if (!source && !REQUIREMENT_TABLE.test(table)) continue;
    for (const value of stringsOf(line)) {
      const address = source ? value : /@\s*(\S+)/.exec(value)?.[1];
      if (address !== undefined && isRemote(address))
        findings.push({ kind: 'blocked', where, what: `[${table}]`, value: shown(address) });
    }
  }
  return findings;
}

/** The hosts from which a uv.lock or pylock.toml would have files fetched, with one line of the file for each. */
export function scanLock(text: string, name: string): Finding[] {
  const hosts = new Map<string, number>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    for (const value of stringsOf(line)) {
      const host = isRemote(value) ? URL.parse(value)?.host : undefined;
      if (host !== undefined && host !== '' && !hosts.has(host)) hosts.set(host, at + 1);
    }
  }
  return [...hosts].map(([value, line]) => ({
    kind: 'blocked',
    where: `${name} line ${line}`,
    what: 'addresses on',
    value,
  }));
}

function stringsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)].map(([, double, single]) => double ?? single ?? '');
}
