import { isJsonObject, type JsonObject, type Targets, toJson } from '@holdfast/tuf';

/**
 * What the operators want every user of an index to read once, such as why installs failed while they recovered from a theft
 * (P18). It stands in the offline role `targets`, so nobody else can speak for them: docs/formats/targets.md.
 */
export interface Bulletin {
  /** 1 to 64 of `a-z`, `0-9`, dot and dash. A bulletin with another id is a new one. */
  readonly id: string;
  /** 1 to 2 000 characters, no control characters but line feeds. */
  readonly text: string;
}

const MEMBER = 'bulletin';
const ID = /^[a-z0-9][a-z0-9.-]{0,63}$/;
const MAX_TEXT = 2_000;

/** What the `signed` part of `targets` says of it. @throws RangeError when no reader would show it */
export function bulletinMember({ id, text }: Bulletin): JsonObject {
  if (!ID.test(id)) throw new RangeError(`${JSON.stringify(id)} is no id of a bulletin`);
  if (!isShowable(text)) throw new RangeError(`a bulletin has 1 to ${MAX_TEXT} characters, no control characters`);
  return new Map([[MEMBER, toJson({ id, text })]]);
}

/** The bulletin of verified targets metadata; `undefined` where there is none that can be shown. */
export function bulletinIn(targets: Targets): Bulletin | undefined {
  const member = targets.unrecognized.get(MEMBER);
  if (!isJsonObject(member)) return undefined;
  const [id, text] = [member.get('id'), member.get('text')];
  return typeof id === 'string' && ID.test(id) && typeof text === 'string' && isShowable(text)
    ? { id, text }
    : undefined;
}

/** It ends up on terminals. */
function isShowable(text: string): boolean {
  return text.length > 0 && text.length <= MAX_TEXT && !/[^\P{C}\n]/u.test(text);
}
