import { explain, holdfastHome, IndexClient, listTrust, type Notice } from '@holdfast/installer';
import { note } from '../terminal.ts';

/** Opens the named index, or the only one; the caller closes it. */
export function openClient(name: string | undefined, onNotice = tell): Promise<IndexClient> {
  return IndexClient.open({ home: holdfastHome(), ...(name !== undefined && { name }), onNotice });
}

/** Opens the named index, or every one that is trusted; the caller closes them. */
export async function openClients(name: string | undefined): Promise<IndexClient[]> {
  if (name !== undefined) return [await openClient(name)];
  const trusted = await listTrust(holdfastHome());
  if (trusted.length === 0) return [await openClient(undefined)]; // throws, and says how to begin
  return Promise.all(trusted.map((index) => openClient(index.name)));
}

/** Tells of each problem of a mirror once, for those who ask it again and again. */
export function tellOnce(): (notice: Notice) => void {
  const told = new Set<string>();
  return (notice) => {
    if (notice.kind === 'mirror-problem') {
      const { mirror, error } = notice.problem;
      const problem = `${mirror} ${explain(error).sentence}`;
      if (told.has(problem)) return;
      told.add(problem);
    }
    tell(notice);
  };
}

export function tell(notice: Notice): void {
  if (notice.kind === 'offline') {
    note(
      `${notice.index} cannot be reached; what was verified before is used, until ${notice.timestampExpires.toISOString()}.`,
    );
  } else if (notice.kind === 'mirror-problem') {
    note(`${notice.problem.mirror} was passed over. ${explain(notice.problem.error).sentence}`);
  } else if (notice.kind === 'damage') {
    note(`A file of the local store was damaged and is fetched again: ${notice.path}`);
  } else if (notice.kind === 'bulletin') {
    note(`The operators of ${notice.index} say: ${notice.bulletin.text}`);
  } else {
    note(explain(notice.error).sentence);
  }
}
