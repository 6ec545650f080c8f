import { FileMetadataStore } from '@holdfast/tuf/node';

/** `node child-writes.ts DIRECTORY`: writes ever new content under one name until it is killed. */
const store = new FileMetadataStore(process.argv[2] ?? '');
for (let round = 0; ; round++) {
  const content = new Uint8Array(200_000).fill(round % 256);
  await store.lock(() => store.write('timestamp.json', content));
  if (round === 0) process.stdout.write('writing\n');
}
