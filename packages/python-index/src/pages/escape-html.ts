/** Everything but printable ASCII without the characters that HTML gives a meaning. */
const SPECIAL = /[^ !#$%(-;=?-~]/;

const NAMED = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/**
 * Text for HTML content or a quoted attribute, in pure ASCII, so that a reader who guesses the encoding wrong still reads
 * it right. Characters that HTML cannot carry (NUL, lone surrogates, …) become U+FFFD.
 */
export function escapeHtml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  let escaped = '';
  for (const char of text) escaped += SPECIAL.test(char) ? (NAMED.get(char) ?? reference(char)) : char;
  return escaped;
}

/** A numeric character reference. HTML maps the C1 range to Windows-1252 and refuses noncharacters: those are replaced. */
function reference(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code === 9 || code === 10) return `&#${code};`;
  const bad =
    code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) || (code & 0xfffe) === 0xfffe;
  const nonCharacter = code >= 0xfdd0 && code <= 0xfdef;
  return bad || nonCharacter ? '&#65533;' : `&#${code};`;
}
