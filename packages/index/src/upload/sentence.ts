import type { NewFile, Published } from '../publish/new-file.ts';

/** What became of an upload, in one sentence for whoever sent it. */
export function uploadSentence(
  { outcome, waitsFor, timestampVersion, file }: Published & { readonly file: Pick<NewFile, 'filename' | 'project'> },
  nextSigning: Date | undefined,
): string {
  const { filename, project } = file;
  if (waitsFor === undefined) {
    const verb = outcome === 'published' ? 'Published' : 'Already published';
    return `${verb} ${filename}: it is in signed metadata, timestamp version ${timestampVersion}.`;
  }
  switch (waitsFor) {
    case 'signature':
      return `${filename} is stored and waits for a signature: holdfast sign ${project}`;
    case 'claim':
      return `${filename} is stored and shown to nobody until the project is claimed: holdfast claim ${project}. After 7 days it is dropped.`;
    case 'offline-signing': {
      const when = nextSigning ? ` on ${nextSigning.toISOString().slice(0, 10)}` : '';
      return `${filename} is stored and waits for the next offline signing${when}, or for its owner's claim, which takes effect then too: holdfast claim ${project}`;
    }
  }
}
