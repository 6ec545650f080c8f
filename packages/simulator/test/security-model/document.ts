/** Puts generated parts into a document, each between a pair of comments that name it. */
export function withParts(document: string, parts: ReadonlyMap<string, string>): string {
  let text = document;
  for (const [name, part] of parts) {
    const [begin, end] = [
      `<!-- ${name}: made by packages/simulator/test/security-model.test.ts -->`,
      `<!-- end of ${name} -->`,
    ];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`the document has no place for ${name}`);
    text = `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
  }
  return text;
}
