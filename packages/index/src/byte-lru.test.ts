import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteLru } from './byte-lru.ts';

test('the value that was not used for longest goes first', () => {
  const cache = new ByteLru<string>(20);
  cache.set('a', 'A', 10);
  cache.set('b', 'B', 10);
  assert.equal(cache.get('a'), 'A');
  cache.set('c', 'C', 10);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], ['A', undefined, 'C']);
});

test('a value larger than the budget is not kept and pushes nothing out', () => {
  const cache = new ByteLru<string>(20);
  cache.set('a', 'A', 10);
  cache.set('huge', 'H', 21);
  assert.deepEqual([cache.get('a'), cache.get('huge'), cache.bytes], ['A', undefined, 10]);
});

test('the budget holds after any sequence of writes and removals', () => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat({ max: 60 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = new ByteLru<number>(100);
      for (const [key, bytes, remove] of steps) {
        if (remove) cache.delete(key);
        else cache.set(key, bytes, bytes);
        assert.ok(cache.bytes <= 100);
      }
      const kept = ['a', 'b', 'c', 'd', 'e'].map((key) => cache.get(key) ?? 0).reduce((sum, bytes) => sum + bytes, 0);
      assert.equal(cache.bytes, kept);
    }),
  );
});
