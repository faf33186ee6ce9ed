import { expect, test } from 'vitest';
import { afterRead, type Entry } from './entry.ts';

const now = new Date('2026-11-27T12:00:00Z');
const item = { kind: 'secret', name: 'database' } as const;
const object = { version: 'a1', enabled: true };
const failure = { reason: 'no-role', sentence: 'No right. Give one', detail: 'Caller …' } as const;
const known: Entry = { item, object, readAt: new Date(0) };

test('the first read of an object is not a rotation', () => {
  const { entry, lines } = afterRead({ item }, object, now);
  expect(lines).toEqual(['read secret database, version a1']);
  expect(entry).toMatchObject({ object, readAt: now, versionBefore: undefined });
});

test('a new version is reported with both versions', () => {
  const { entry, lines } = afterRead(known, { ...object, version: 'b2' }, now);
  expect(lines).toEqual([
    'secret database was rotated: version b2 replaces a1',
    'read secret database, version b2',
  ]);
  expect(entry.versionBefore).toBe('a1');
  expect(afterRead(entry, { ...object, version: 'b2' }, now)).toMatchObject({
    entry: { versionBefore: 'a1' },
    lines: ['read secret database, version b2'],
  });
});

test('a rotation is seen across failed reads', () => {
  const { entry, lines } = afterRead({ ...known, failure }, { ...object, version: 'b2' }, now);
  expect(lines[0]).toContain('was rotated');
  expect(entry.failure).toBeUndefined();
});

test.each([
  [now, '2026-11-27 12:00 UTC'],
  [new Date(1e20), 'unknown'],
])('the expiry is in the line of a read, also one that no date can have: %s', (expiresOn, shown) => {
  expect(afterRead({ item }, { ...object, expiresOn }, now).lines).toEqual([
    `read secret database, version a1, expires ${shown}`,
  ]);
});
