import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import {
  DEFAULT_LIMITS,
  type JsonObject,
  parseRotation,
  revocationJson,
  rootJson,
  rotationJson,
  signMetadata,
  snapshotJson,
  SPEC_VERSION,
  targetsJson,
  timestampJson,
} from '@holdfast/tuf';
import { delegate, delegateBins, emptyFile, key, NOW } from './repository.ts';

const pouf = await readFile(new URL('../../../docs/formats/pouf.md', import.meta.url), 'utf8');
const section = (heading: string): string => {
  const [, text] = pouf.split(new RegExp(`\\n###? ${heading}\\n`));
  return text?.split(/\n###? /)[0] ?? assert.fail(`no section ${heading}`);
};
const blocks = (text: string): readonly string[] =>
  Array.from(text.matchAll(/```\n([\s\S]*?)```/g), (match) => match[1] ?? '');
const names = (block: string): readonly string[] =>
  Array.from(block.matchAll(/"([a-z_]+)":/g), ([, name = '']) => name);

const signer = await key();
const keys = { keyids: [signer.key.keyid], threshold: 1 };
const common = { version: 1, expires: NOW };

/** Names of a file's members in the order of its bytes, at every level, without those that are content. */
async function written(signed: JsonObject): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await signMetadata(signed, [signer]));
  return names(text.replaceAll(/"(?:sha256|ecdsa|public|keytype|keyval|scheme)":/g, ''));
}

describe('the POUF (TAP 11)', () => {
  it('has the sections that TAP 11 asks for, and names the version of the specification', () => {
    for (const heading of ['Abstract', 'Protocol', 'Operations', 'Usage', 'Formats', 'Security audit'])
      assert.ok(pouf.includes(`\n## ${heading}\n`), heading);
    for (const field of ['POUF', 'Title', 'Version', 'Last-Modified', 'Author', 'Status', 'Content-Type', 'Created'])
      assert.match(pouf, new RegExp(`^- ${field}: .+$`, 'm'));
    assert.ok(pouf.includes(`- TUF Version Implemented: ${SPEC_VERSION}\n`));
  });

  it('says the limits that the client has', () => {
    const table = section('Limits');
    const limit = (what: RegExp): number => {
      const [, cell = ''] = new RegExp(`^\\| ${what.source}[^|]*\\|([^|]*)\\|`, 'm').exec(table) ?? [];
      return Number.parseInt(cell.replaceAll(/[,\s]/g, ''), 10);
    };
    assert.deepEqual(
      {
        rootBytes: limit(/root, rotate file/),
        timestampBytes: limit(/timestamp/),
        snapshotBytes: limit(/snapshot/),
        targetsBytes: limit(/targets and delegated roles/),
        announcedBytes: limit(/what signed metadata announces/),
        rootRotations: limit(/new roots/),
        delegations: limit(/delegated roles in one search/),
        keyRotations: limit(/rotate files of one role/),
      },
      DEFAULT_LIMITS,
    );
  });

  it('shows the members of each file in the order in which they are written', async () => {
    const roles = { root: keys, timestamp: keys, snapshot: keys, targets: keys };
    const file = { ...emptyFile(), custom: new Map([['c', 1]]) };
    const meta = { version: 1, length: 1, hashes: new Map([['sha256', '00']]) };
    const files: Readonly<Record<string, JsonObject>> = {
      root: rootJson({ ...common, consistentSnapshot: true, keys: [signer.key], roles }),
      timestamp: timestampJson({ ...common, snapshot: meta }),
      snapshot: snapshotJson({ ...common, meta: new Map([['ROLE.json', meta]]) }),
      'targets and delegated targets': targetsJson({
        ...common,
        targets: new Map([['PATH', file]]),
        delegations: delegate({ name: 'a', signer }),
      }),
      'Rotate files \\(TAP 8, TAP 20\\)': rotationJson({ role: 'a', version: 1, threshold: 1, keys: [signer.key] }),
    };
    for (const [heading, signed] of Object.entries(files)) {
      const [block = ''] = blocks(section(heading));
      const shown = names(block);
      // What stands for something else in the block (DELEGATIONS, KEY) has a block of its own.
      const order = (await written(signed)).filter((name) => shown.includes(name));
      const first = (list: readonly string[]): readonly string[] => [...new Set(list)];
      assert.deepEqual(first(order), first(shown), heading);
    }
    const [, delegations = ''] = blocks(section('targets and delegated targets'));
    const lines = delegations.trim().split('\n').map(names);
    const bins = targetsJson({
      ...common,
      targets: new Map(),
      delegations: delegateBins(signer, { bitLength: 1, namePrefix: 'a' }),
    });
    for (const [index, signed] of [files['targets and delegated targets'], bins].entries()) {
      const [list = '', ...members] = lines[index] ?? [];
      const all = await written(signed ?? new Map());
      assert.deepEqual(
        all.slice(all.indexOf(list) + 1).filter((name) => members.includes(name)),
        members,
      );
    }
  });

  it('shows the null key as it is written', async () => {
    const [, shown = ''] = blocks(section('Rotate files \\(TAP 8, TAP 20\\)'));
    const revocation = await signMetadata(revocationJson({ role: 'a', version: 1 }), []);
    const text = new TextDecoder().decode(revocation);
    const nullKey: unknown = JSON.parse(`{${shown}}`);
    const signed: unknown = Reflect.get(Object(JSON.parse(text)), 'signed');
    assert.deepEqual({ ...Object(signed), ...Object(nullKey) }, signed);
    assert.equal(parseRotation(revocation).signed.threshold, 1);
  });
});
