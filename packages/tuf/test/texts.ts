/** Every text of at most so many of the characters. */
export function textsOf(characters: readonly string[], maxLength: number): readonly string[] {
  const all = [''];
  for (let longest = [''], length = 0; length < maxLength; length++) {
    longest = longest.flatMap((text) => characters.map((character) => text + character));
    all.push(...longest);
  }
  return all;
}
