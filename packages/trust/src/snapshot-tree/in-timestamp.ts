import { isJsonObject, type JsonObject, type Timestamp, toJson } from '@holdfast/tuf';

const MEMBER = 'snapshot_tree';

/** What a timestamp's `signed` says of the tree that lists the same roles as its snapshot. @param root lower-case hex */
export function snapshotTreeMember(root: string): JsonObject {
  return new Map([[MEMBER, toJson({ sha256: root })]]);
}

/** The root hash of the snapshot tree, lower-case hex; `undefined` where a timestamp does not name one that can be used. */
export function snapshotTreeRoot(timestamp: Timestamp): string | undefined {
  const tree = timestamp.unrecognized.get(MEMBER);
  const root = isJsonObject(tree) ? tree.get('sha256') : undefined;
  return typeof root === 'string' && /^[0-9a-f]{64}$/.test(root) ? root : undefined;
}
