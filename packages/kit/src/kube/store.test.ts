import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStore, type Change, type Versioned } from './store.ts';

interface Pod {
  readonly node: string;
  readonly ips: readonly string[];
}
const indexes = { node: (pod: Pod) => [pod.node], ip: (pod: Pod) => pod.ips };
/** `name` is `key` or `key/uid`. */
const object = (name: string, resourceVersion: string, view: Partial<Pod> = {}): Versioned<Pod> => {
  const [key = '', uid = key] = name.split('/');
  return { key, uid, resourceVersion, view: { node: 'n1', ips: [], ...view } };
};
const kinds = (changes: readonly Change<Pod>[]) => changes.map(({ type, key }) => `${type} ${key}`);

describe('store', () => {
  test('returns the changes of each write', () => {
    const { put, remove, store } = createStore(indexes);
    const [one, two] = [object('a/u1', '1'), object('a/u1', '2', { node: 'n2' })];
    expect(put(one)).toEqual([{ type: 'added', key: 'a', after: one.view }]);
    expect(put(two)).toEqual([{ type: 'updated', key: 'a', before: one.view, after: two.view }]);
    expect(store.get('a')).toBe(two.view);
    expect(remove('a')).toEqual([{ type: 'deleted', key: 'a', before: two.view }]);
    expect(remove('a')).toEqual([]);
    expect(store.size).toBe(0);
  });

  test('the same version is no change, even as a new object', () => {
    const { put, store } = createStore(indexes);
    put(object('a/u1', '1'));
    const { revision } = store;
    expect(put(object('a/u1', '1', { node: 'n9' }))).toEqual([]);
    expect(store.revision).toBe(revision);
  });

  test('another uid under the same name is deleted and added', () => {
    const { put } = createStore(indexes);
    put(object('a/u1', '1'));
    expect(kinds(put(object('a/u2', '5')))).toEqual(['deleted a', 'added a']);
  });

  test('indexes are updated, with one or many objects under a value', () => {
    const { put, remove, store } = createStore(indexes);
    const views = ['a', 'b', 'c'].map((key) => object(key, '1', { ips: [`ip-${key}`, 'shared', 'shared'] }));
    for (const view of views) put(view);
    expect(store.by('ip', 'ip-b')).toEqual([views[1]!.view]);
    expect(store.by('ip', 'shared')).toEqual(views.map(({ view }) => view));
    put(object('a', '2', { node: 'n2' }));
    remove('b');
    expect(store.by('ip', 'shared')).toEqual([views[2]!.view]);
    expect(store.by('ip', 'ip-a')).toEqual([]);
    expect(store.by('node', 'n2')).toHaveLength(1);
    remove('c');
    expect(store.by('ip', 'shared')).toEqual([]);
    expect(() => store.by('nothing', 'x')).toThrow(TypeError);
  });

  test('a new content deletes first, then adds and updates, and does not touch the rest', () => {
    const { put, replaceAll, store } = createStore(indexes);
    for (const key of ['gone', 'same', 'new-version', 'new-uid']) put(object(key, '1'));
    const changes = replaceAll([
      object('same', '1'),
      object('fresh', '9'),
      object('new-version', '9'),
      object('new-uid/other', '9'),
    ]);
    expect(kinds(changes)).toEqual([
      'deleted gone',
      'added fresh',
      'updated new-version',
      'deleted new-uid',
      'added new-uid',
    ]);
    expect(store.size).toBe(4);
  });

  test('after any writes each index shows exactly the objects that have the value', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const view = fc.record({ node: fc.constantFrom('n1', 'n2'), ips: fc.subarray(['x', 'y', 'z']) });
    const versioned = fc
      .record({ key, uid: fc.constantFrom('u1', 'u2'), resourceVersion: fc.nat(5).map(String), view })
      .map((one): Versioned<Pod> => one);
    const write = fc.oneof(versioned, key, fc.uniqueArray(versioned, { selector: (one) => one.key }));
    fc.assert(
      fc.property(fc.array(write), (writes) => {
        const { put, remove, replaceAll, store } = createStore(indexes);
        for (const one of writes) {
          if (typeof one === 'string') remove(one);
          else if (Array.isArray(one)) replaceAll(one);
          else put(one);
        }
        for (const ip of ['x', 'y', 'z']) {
          const expected = [...store.values()].filter(({ ips }) => ips.includes(ip));
          expect(new Set(store.by('ip', ip))).toEqual(new Set(expected));
          expect(store.by('ip', ip)).toHaveLength(expected.length);
        }
      }),
    );
  });
});
