import { BuildFailedError } from '../errors.ts';

/** What build_one.py said. Code of the sdist may have said it in its place: nothing of it is believed without a check. */
export type Answer =
  | { readonly kind: 'need'; readonly requirements: readonly string[] }
  | { readonly kind: 'wheel'; readonly filename: string; readonly bytes: Buffer; readonly epoch: number };

const MOST_REQUIREMENTS = 1000;

/** @throws BuildFailedError also when it says that the build failed */
export function readAnswer(output: Buffer, code: number, log: string): Answer {
  const line = output.indexOf(10);
  const fields = line < 0 ? undefined : objectIn(output.subarray(0, line));
  if (!fields)
    throw new BuildFailedError('run', `it ended with code ${code} and without an answer${lastLine(log)}`, log);
  const failed = fields.get('failed');
  if (typeof failed === 'string')
    throw new BuildFailedError(failed.slice(0, 40), String(fields.get('message')).slice(0, 500), log);
  const need = fields.get('need');
  if (Array.isArray(need)) {
    const requirements = need.filter((each): each is string => typeof each === 'string');
    if (requirements.length !== need.length || need.length > MOST_REQUIREMENTS)
      throw new BuildFailedError('requirements', 'its list of requirements is none', log);
    return { kind: 'need', requirements };
  }
  const [filename, size, epoch] = [fields.get('wheel'), fields.get('size'), fields.get('epoch')];
  const bytes = output.subarray(line + 1);
  if (typeof filename !== 'string' || typeof epoch !== 'number' || size !== bytes.length)
    throw new BuildFailedError('result', 'the wheel did not come out whole', log);
  return { kind: 'wheel', filename, bytes, epoch };
}

function lastLine(log: string): string {
  const line = log.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `; its last words: ${line.slice(0, 200)}`;
}

function objectIn(line: Buffer): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
