import { describe, expect, test } from 'vitest';
import { createStorage } from './storage.ts';
import type { Stored } from './stored.ts';

const stored = (name: string, version: number, namespace = 'n'): Stored => ({
  namespace,
  name,
  version,
  uid: name,
  text: '{}',
  labels: {},
  fields: {},
  owners: [],
  terminating: false,
});

function filled(historyLimit: number, count: number) {
  const storage = createStorage(historyLimit);
  for (let i = 0; i < count; i += 1) {
    const version = storage.nextVersion();
    storage.commit('things', { type: 'ADDED', version, after: stored(`t${i}`, version) });
  }
  return storage;
}

const everything = { matches: () => true };
const namesOf = (items: readonly Stored[]) => items.map(({ name }) => name);

describe('the storage', () => {
  test('returns the changes since a version, while they are kept', () => {
    const storage = filled(8, 100);
    const newest = storage.version;
    expect(storage.changesSince('things', newest - 3)?.map(({ version }) => version)).toEqual([
      newest - 2,
      newest - 1,
      newest,
    ]);
    expect(storage.changesSince('things', newest)).toEqual([]);
    expect(storage.changesSince('things', 1)).toBeUndefined();
    expect(storage.changesSince('others', 1)).toEqual([]);
  });

  test('compaction drops earlier changes and keeps later ones', () => {
    const storage = filled(100, 3);
    storage.compact();
    expect([storage.isForgotten(storage.version - 1), storage.isForgotten(storage.version)]).toEqual([
      true,
      false,
    ]);
    const version = storage.nextVersion();
    storage.commit('things', { type: 'ADDED', version, after: stored('new', version) });
    expect(storage.changesSince('things', version - 1)).toHaveLength(1);
  });

  test('after compaction the remaining pages of a list cannot be read', () => {
    const storage = filled(100, 3);
    const page = storage.page('things', { ...everything, limit: 2 });
    storage.compact();
    expect(() => storage.page('things', { ...everything, limit: 2, continue: page.continue ?? '' })).toThrow(
      'too old',
    );
  });

  test('the number of lists with unread pages is limited', () => {
    const storage = filled(100, 3);
    const pages = Array.from({ length: 20 }, () => storage.page('things', { ...everything, limit: 1 }));
    const resume = (token = '') => storage.page('things', { ...everything, limit: 1, continue: token });
    expect(() => resume(pages[0]?.continue)).toThrow('too old');
    expect(namesOf(resume(pages.at(-1)?.continue).items)).toEqual(['t1']);
  });

  test('a list is in order after any creations and deletions', () => {
    const collection = createStorage().collection('things');
    for (const name of ['c', 'a', 'b']) collection.put(stored(name, 1));
    expect(namesOf(collection.list('n'))).toEqual(['a', 'b', 'c']);
    collection.remove('n', 'b');
    collection.put(stored('b', 2));
    collection.put(stored('a0', 3));
    collection.put(stored('a', 4));
    collection.remove('n', 'c');
    expect(collection.list('n').map(({ name, version }) => `${name}${version}`)).toEqual(['a4', 'a03', 'b2']);
    collection.put(stored('z', 5, 'm-n'));
    collection.put(stored('y', 6, 'm'));
    expect(namesOf(collection.list())).toEqual(['z', 'y', 'a', 'a0', 'b']);
    expect([collection.size, collection.count('n'), collection.count('none')]).toEqual([5, 3, 0]);
  });
});
