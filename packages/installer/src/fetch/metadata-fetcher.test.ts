import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { StaticMirror } from '../../test/static-mirror.ts';
import { MirrorMetadataFetcher } from './metadata-fetcher.ts';
import { Mirrors } from './mirrors.ts';

test('of what is held in an older version, that is offered as a dictionary; of roots and timestamps never (RFC 9842)', async (t) => {
  const names = ['5.snapshot.json', '7.unclaimed.3f.json', '2.claimed.json', '2.root.json', 'timestamp.json'];
  const server = await StaticMirror.start(new Map(names.map((name) => [`metadata/${name}`, Buffer.from('{}')])));
  const mirrors = await Mirrors.open([server.url], {});
  t.after(() => (mirrors.close(), server.close()));
  const offered = new Map<string, string | undefined>();
  server.intercept = (request, _, path) => {
    const field = request.headers['available-dictionary'];
    offered.set(path.slice('metadata/'.length), typeof field === 'string' ? field : undefined);
  };
  const held = new Map(
    ['snapshot', 'unclaimed.3f', 'root', 'timestamp'].map((role) => [`${role}.json`, Buffer.from(`old ${role}`)]),
  );
  const fetcher = new MirrorMetadataFetcher(mirrors, { read: async (name) => held.get(name) });
  for (const name of names) await fetcher.fetch(name, { maxLength: 9 });
  const field = (role: string): string => `:${createHash('sha256').update(`old ${role}`).digest('base64')}:`;
  assert.deepEqual(
    offered,
    new Map([
      ['5.snapshot.json', field('snapshot')],
      ['7.unclaimed.3f.json', field('unclaimed.3f')],
      ['2.claimed.json', undefined],
      ['2.root.json', undefined],
      ['timestamp.json', undefined],
    ]),
  );
});
