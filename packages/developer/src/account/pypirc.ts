import type { Credentials } from '@holdfast/installer';

/**
 * The credentials that a .pypirc file, which twine and others read, has for this address or one below it, such as the upload address
 * of an index. Only sections with a `repository` count: those without one are other indexes.
 * @param url the index's address, ending with a slash
 */
export function findInPypirc(text: string, url: string): Credentials | undefined {
  for (const section of sections(text)) {
    const repository = URL.parse(section.get('repository') ?? '')?.href;
    const username = section.get('username');
    const password = section.get('password');
    if (repository?.startsWith(url) === true && username !== undefined && password !== undefined)
      return { username, password };
  }
  return undefined;
}

/** As Python's RawConfigParser reads it: `name = value` or `name: value`, names in any case, comments in lines of their own. */
function sections(text: string): readonly ReadonlyMap<string, string>[] {
  const found: Map<string, string>[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    if (/^\[[^\]]+\]/.test(line)) {
      found.push(new Map());
      continue;
    }
    const [, name = '', value = ''] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== '') found.at(-1)?.set(name.toLowerCase(), value);
  }
  return found;
}
