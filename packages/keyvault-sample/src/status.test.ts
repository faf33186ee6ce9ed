import { expect, test } from 'vitest';
import { afterRead, healthOf, identityLine, type Entry, type Status } from './status.ts';

const now = new Date('2026-11-27T12:00:00Z');
const item = { kind: 'secret', name: 'database' } as const;
const object = { version: 'a1', enabled: true, expiresOn: undefined };
const failure = { reason: 'no-role', problem: 'No right', remedy: 'Give one', detail: 'Caller …' } as const;
const known: Entry = { item, object, readAt: new Date(0) };

test('the first read of an object is not a rotation', () => {
  const { entry, lines } = afterRead({ item }, { object }, now);
  expect(lines).toEqual(['read secret database, version a1']);
  expect(entry).toMatchObject({ object, readAt: now, versionBefore: undefined });
});

test('a new version is reported with both versions', () => {
  const { entry, lines } = afterRead(known, { object: { ...object, version: 'b2' } }, now);
  expect(lines).toEqual([
    'secret database was rotated: version b2 replaces a1',
    'read secret database, version b2',
  ]);
  expect(entry.versionBefore).toBe('a1');
  expect(afterRead(entry, { object: { ...object, version: 'b2' } }, now)).toMatchObject({
    entry: { versionBefore: 'a1' },
    lines: ['read secret database, version b2'],
  });
});

test('a rotation is seen across failed reads', () => {
  const { entry } = afterRead(known, { failure }, now);
  expect(entry).toMatchObject({ object, failure });
  const { entry: next, lines } = afterRead(entry, { object: { ...object, version: 'b2' } }, now);
  expect(lines[0]).toContain('was rotated');
  expect(next.failure).toBeUndefined();
});

test('a failed read is one line: the problem, the remedy, the reason and what the service said', () => {
  expect(afterRead({ item }, { failure }, now).lines).toEqual([
    'could not read secret database: No right. Give one. [no-role] Details: Caller …',
  ]);
  expect(afterRead({ item }, { failure: { ...failure, detail: undefined } }, now).lines).toEqual([
    'could not read secret database: No right. Give one. [no-role]',
  ]);
});

test('the expiry is in the line of a read', () => {
  expect(afterRead({ item }, { object: { ...object, expiresOn: now } }, now).lines).toEqual([
    'read secret database, version a1, expires 2026-11-27T12:00:00.000Z',
  ]);
});

test('an expiry that no date can have is unknown', () => {
  const expiresOn = new Date(1e20);
  expect(afterRead({ item }, { object: { ...object, expiresOn } }, now).lines).toEqual([
    'read secret database, version a1, expiry unknown',
  ]);
});

test('an identity is reported once, and again when it is another one', () => {
  const identity = { clientId: 'c', objectId: 'o', tenantId: 't', resourceId: '/r' };
  expect(identityLine(undefined, identity)).toBe(
    'runs as client id c, object id o, tenant t, resource id /r',
  );
  expect(identityLine(identity, { ...identity })).toBeUndefined();
  expect(identityLine(identity, { ...identity, objectId: 'p', resourceId: undefined })).toBe(
    'runs as client id c, object id p, tenant t',
  );
});

test.each([
  ['before the first round', undefined, false, true],
  ['in a round', 60_000, true, true],
  ['in a round that does not end', 60_001, true, false],
  ['long after a round', 600_000, false, true],
])('health %s', (_, ageMs, ...[isReading, ok]) => {
  const roundBegan = ageMs === undefined ? undefined : new Date(now.getTime() - ageMs);
  const status = { roundBegan, isReading } as unknown as Status;
  expect(healthOf(status, { now, longestRoundMs: 60_000 }).ok).toBe(ok);
});
