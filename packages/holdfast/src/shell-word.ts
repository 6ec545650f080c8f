/** A path or name as people paste it into a shell, in a command that is printed for them. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=][A-Za-z0-9_./:@%+,=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
