import { ArchiveContentError, quote } from '../errors.ts';

/** Files that sign RECORD and so cannot stand in it (deprecated by PEP 815, still met). */
const SIGNATURES = ['RECORD.jws', 'RECORD.p7s'];

/**
 * Checks that RECORD lists exactly the files of the archive (binary distribution format, "The .dist-info directory").
 * Installers unpack what is in the archive and others trust RECORD; a file in only one of them is seen by only one of them.
 * Its hashes are not compared: the whole file's hash is what is signed.
 * @throws ArchiveContentError
 */
export function checkRecord(bytes: Uint8Array, directory: string, files: ReadonlySet<string>): void {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveContentError('its RECORD is not UTF-8 text', { cause });
  }
  const listed = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const path = readPath(line);
    if (path === undefined)
      throw new ArchiveContentError(`the line ${quote(line)} of its RECORD is not "path,hash,size"`);
    if (listed.has(path)) throw new ArchiveContentError(`its RECORD lists ${quote(path)} twice`);
    if (!files.has(path)) throw new ArchiveContentError(`its RECORD lists ${quote(path)}, which is not in the archive`);
    listed.add(path);
  }
  const exempt = new Set([`${directory}/RECORD`, ...SIGNATURES.map((name) => `${directory}/${name}`)]);
  for (const path of files)
    if (!listed.has(path) && !exempt.has(path)) throw new ArchiveContentError(`${quote(path)} is not in its RECORD`);
}

/** The first of three fields of comma-separated values; quoted when it has a comma or quotation mark (doubled). */
function readPath(line: string): string | undefined {
  const match = /^(?:"((?:[^"]|"")*)"|([^",]*)),[^",]*,\d*$/.exec(line);
  return match?.[1]?.replaceAll('""', '"') ?? match?.[2];
}
