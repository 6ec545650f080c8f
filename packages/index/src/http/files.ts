import type { Blob } from './blob.ts';
import { strongEtag } from './etag.ts';

// Bin, project, hash and filename as `fileUrlPath` and `consistentTargetPath` write them. The character sets leave no
// way to say ".." or to reach another object: what does not match does not exist.
const BIN = '([0-9a-f]{6})';
const PROJECT = '([a-z0-9](?:[a-z0-9-]{0,250}[a-z0-9])?)';
const SHA256 = '([0-9a-f]{64})';
const FILENAME = '([A-Za-z0-9][A-Za-z0-9._+!~-]{0,250})';

const FILE_PATH = new RegExp(`^/files/${BIN}/${PROJECT}/${SHA256}/${FILENAME}$`);
const TARGET_PATH = new RegExp(`^/targets/${BIN}/${PROJECT}/${SHA256}\\.${FILENAME}$`);

/**
 * The object behind `/files/<h>/<project>/<sha256>/<filename>[.metadata]` (what installers see) or
 * `/targets/<h>/<project>/<sha256>.<filename>` (consistent snapshot target, TUF 1.0.34 §5.7.3). No look-up: the path says
 * it all, so a CDN or a second front end can answer without a database.
 */
export function blobOf(path: string): Blob | undefined {
  const match = FILE_PATH.exec(decodePlain(path)) ?? TARGET_PATH.exec(decodePlain(path));
  if (match === null) return undefined;
  const [, bin = '', project = '', sha256 = '', filename = ''] = match;
  const etag = filename.endsWith('.metadata') ? `${sha256}-metadata` : sha256;
  return { key: `targets/${bin}/${project}/${sha256}.${filename}`, etag: strongEtag(etag) };
}

/** Some clients escape `+` and `!` in filenames, which need no escape. */
function decodePlain(path: string): string {
  return path.includes('%') ? path.replaceAll(/%2b/gi, '+').replaceAll('%21', '!').replaceAll(/%7e/gi, '~') : path;
}
