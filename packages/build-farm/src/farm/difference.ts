import { readFile } from 'node:fs/promises';
import { PythonIndexError } from '@holdfast/python-index';
import { compareWheels } from '../compare/compare-wheels.ts';
import { describeComparison } from '../compare/describe.ts';
import type { BuildRecord } from './farm-state.ts';
import type { FarmWork } from './farm-work.ts';

interface Theirs {
  readonly sha256: string;
  readonly size: number;
  /** Where the index hands it out. */
  readonly bytes?: Uint8Array;
}

/** What a maintainer gets to see: a table of members where both wheels are at hand, else both hashes. */
export async function reportDifference(
  { state }: FarmWork,
  { sdist, wheel }: BuildRecord,
  theirs: Theirs,
): Promise<string> {
  if (!wheel) return '';
  const path = state.wheelPath(sdist, wheel.filename);
  if (!theirs.bytes)
    return [
      wheel.filename,
      `  this farm       ${wheel.size} bytes, SHA-256 ${wheel.sha256}`,
      `  the other farm  ${theirs.size} bytes, SHA-256 ${theirs.sha256}`,
      `  This farm keeps its wheel in ${path}. With the other one: holdfast build-farm compare FILE FILE`,
    ].join('\n');
  try {
    return describeComparison(await compareWheels(await readFile(path), theirs.bytes), ['this farm', 'the other farm']);
  } catch (error) {
    if (!(error instanceof PythonIndexError)) throw error;
    return `The other farm's file is no sound wheel: ${error.message}`;
  }
}
