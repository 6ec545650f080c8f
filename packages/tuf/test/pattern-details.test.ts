import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PathPattern } from '@holdfast/tuf';
import { slowMatch } from './fuzz/reference/pattern.ts';
import { textsOf } from './texts.ts';

describe('path patterns, against a slow second opinion', () => {
  it('agree on every class of up to four of the characters that mean something in one, also after an empty range', () => {
    // A space comes before the exclamation mark, the letters behind the hyphen.
    const characters = [' ', '!', '-', ']', 'a', 'c'];
    const afterEmpty = textsOf(characters, 3).flatMap((text) => [`c-a${text}`, `c-a!-${text}`]);
    for (const content of [...textsOf(characters, 4), ...afterEmpty]) {
      const pattern = new PathPattern(`[${content}]`);
      for (const path of [' ', '!', '-', ']', 'a', 'b', 'c', '[', 'a]', '']) {
        assert.equal(pattern.matches(path), slowMatch(`[${content}]`, path), `[${content}] on ${JSON.stringify(path)}`);
      }
    }
  });

  it('agree on every pattern of up to four stars, question marks and letters', () => {
    const paths = textsOf(['a', 'b'], 4);
    for (const text of textsOf(['a', 'b', '*', '?'], 4)) {
      const pattern = new PathPattern(text);
      for (const path of paths) assert.equal(pattern.matches(path), slowMatch(text, path), `${text} on ${path}`);
    }
  });

  it('agree on every pattern and path of a few segments', () => {
    const paths = textsOf(['a', 'b', '/'], 4);
    for (const text of textsOf(['a', '*', '/'], 4)) {
      const pattern = new PathPattern(text);
      for (const path of paths) assert.equal(pattern.matches(path), slowMatch(text, path), `${text} on ${path}`);
    }
  });

  it('agree on brackets that do not close, and on what stands around a class', () => {
    for (const text of textsOf(['[', '!', ']', 'a', '*'], 5)) {
      const pattern = new PathPattern(text);
      for (const path of ['', 'a', '[', '!', ']', 'aa', '[a', '[]', '[!', '[!]', '[!a', 'a]', '[[a'])
        assert.equal(pattern.matches(path), slowMatch(text, path), `${text} on ${path}`);
    }
  });

  it('reach the directories that all but their last segment matches, and cover those when that one is stars', () => {
    const directories = textsOf(['a', 'b', '/'], 4).filter((text) => text === '' || text.endsWith('/'));
    for (const text of textsOf(['a', '*', '/', '?'], 5)) {
      const pattern = new PathPattern(text);
      const slash = text.lastIndexOf('/') + 1;
      for (const directory of directories) {
        const reaches = slowMatch(text.slice(0, slash), directory);
        assert.equal(pattern.mayMatchIn(directory), reaches, `${text} in ${directory}`);
        const covers = reaches && /^\*+$/.test(text.slice(slash));
        assert.equal(pattern.coversAllIn(directory), covers, `${text} over ${directory}`);
      }
    }
  });

  it('compare whole code points', () => {
    const pattern = new PathPattern('[\ud800\udc00-\u{10010}]?');
    assert.equal(pattern.matches('\u{10008}\u{1f600}'), true);
    assert.equal(pattern.matches('\u{10011}x'), false);
    assert.equal(pattern.matches('\ue000x'), false);
  });
});
