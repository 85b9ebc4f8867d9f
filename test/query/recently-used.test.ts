import { describe, expect, it } from 'vitest';
import { ParseCache } from '../../src/query/parse-cache.js';
import { RecentlyUsed, UsedAgain } from '../../src/query/recently-used.js';

describe('recently used entries', () => {
  it('stay while they are used, and go with the generation that nobody asked for', () => {
    const dropped: number[] = [];
    const entries = new RecentlyUsed<number, string>(4, (key) => dropped.push(key));
    for (let key = 0; key < 100; key++) {
      entries.set(key, `value ${key}`);
      expect(entries.get(0)).toBe('value 0');
    }
    expect(entries.get(99)).toBe('value 99');
    expect(entries.get(50)).toBeUndefined();
    expect(dropped).toContain(50);
    expect(dropped).not.toContain(0);
    expect(new Set(dropped).size).toBe(dropped.length);
  });

  it('that were asked for again outlive those that came once', () => {
    const entries = new UsedAgain<number, string>(4, 16);
    entries.set(0, 'again');
    expect(entries.get(0)).toBe('again');
    for (let key = 1; key < 1000; key++) entries.set(key, 'once');
    expect(entries.get(0)).toBe('again');
    expect(entries.get(1)).toBeUndefined();
  });
});

describe('syntax trees', () => {
  it('of a text that comes again long after the first time stay from then on', () => {
    const cache = new ParseCache(100, 1_000_000);
    const others = (from: number) => {
      for (let i = from; i < from + 100; i++) cache.parse(`SELECT ${i}`);
    };
    const first = cache.parse('SELECT x FROM t');
    expect(cache.parse('SELECT x FROM t')).toBe(first);
    const early = cache.parse('SELECT y FROM t');
    others(0);
    expect(cache.parse('SELECT x FROM t')).toBe(first);
    const second = cache.parse('SELECT y FROM t');
    expect(second).not.toBe(early);
    others(100);
    expect(cache.parse('SELECT y FROM t')).toBe(second);
  });
});
