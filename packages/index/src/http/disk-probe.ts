import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ObjectStore } from '../objects/object-store.ts';
import { type Probe, Unready } from './health.ts';

/** Whether an upload of the largest size has room where uploads wait to be checked. */
export function diskProbe(objects: Pick<ObjectStore, 'incoming'>, fileBytes: number): Probe {
  return async () => {
    const { path } = await objects.incoming();
    const { bavail, bsize } = await statfs(dirname(path));
    const free = bavail * bsize;
    const megabytes = `${Math.floor(free / 2 ** 20)} MiB free for uploads`;
    if (free < fileBytes) throw new Unready(`${megabytes}, less than one may have`);
    return megabytes;
  };
}
