// What MIC knows of AzureAssignedIdentities, of which an editor may write any number.
import { KubeError } from '@pod-identity/kit/kube';
import { describe, expect, test } from 'vitest';
import { assigned, pod, rules, snapshot } from '../plan/test/builders.ts';
import { keyOf } from '../snapshot/keys.ts';
import { indexOf } from '../snapshot/test/cluster-snapshot.ts';
import type { AssignedView } from '../snapshot/views.ts';
import type { AssignedIdentityReader } from './assigned-identity-reader.ts';
import { Mirror } from './mirror.ts';

const own = assigned({ name: 'web-0-shop-reader' });
const ownKey = keyOf(own);
const signal = new AbortController().signal;

function setUp(views: readonly AssignedView[] = [], pods = [pod()]) {
  const index = indexOf(snapshot({ pods, assigned: [] }), rules);
  for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  const stored = new Map(views.map((view) => [keyOf(view), view]));
  const world = {
    /** Called before each page. */
    onPage: (() => undefined) as (page: number) => void,
    pageSize: 100,
  };
  const reader: AssignedIdentityReader = {
    async *pages() {
      // A list shows what there was at its beginning.
      const all = [...stored.values()];
      for (let page = 0; page * world.pageSize < Math.max(1, all.length); page += 1) {
        world.onPage(page);
        yield await Promise.resolve(all.slice(page * world.pageSize, (page + 1) * world.pageSize));
      }
    },
    get: (key) => Promise.resolve(stored.get(key)),
  };
  const mirror = new Mirror(index, reader);
  const news: string[] = [];
  mirror.onChange(() => news.push('news'));
  const walk = async () => {
    const left: string[] = [];
    await mirror.walk(signal, (page) => {
      left.push(...page.map(keyOf));
      return Promise.resolve();
    });
    return left;
  };
  const dirty = () => [...index.dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]);
  return { index, mirror, stored, world, news, walk, dirty };
}

const forged = (count: number, namespace = 'default') =>
  Array.from({ length: count }, (_, n) => assigned({ namespace, name: `forged-${n}`, podName: `gone-${n}` }));

describe('a walk', () => {
  test('keeps what a pod needs, and passes on what no pod needs', async () => {
    const { mirror, walk, dirty } = setUp([...forged(2), own]);
    expect(await walk()).toEqual(['default/forged-0', 'default/forged-1']);
    expect(mirror.keys()).toEqual([ownKey]);
    expect(dirty()).toEqual(['shop/web-0']);
  });

  test('attack: of any number that an editor made it keeps none', async () => {
    const { mirror, walk } = setUp(forged(1_200, 'evil'));
    expect(await walk()).toHaveLength(1_200);
    expect(mirror.keys()).toEqual([]);
  });

  test.each<[string, Partial<AssignedView>, Partial<AssignedView>]>([
    ['its meaning', { meaning: 'edited' }, { meaning: 'edited' }],
    ['its pod', { podName: 'another' }, { meaning: '' }],
  ])('finds what an editor has changed: %s', async (_what, change, found) => {
    const edited = { ...own, ...change, resourceVersion: '8' };
    const { mirror, stored, walk, dirty, news } = setUp([own]);
    mirror.wrote(own);
    dirty();
    stored.set(ownKey, edited);
    expect(await walk()).toEqual([]);
    expect(mirror.at(ownKey)).toEqual({ ...own, ...found, resourceVersion: '8' });
    expect(dirty()).toEqual(['shop/web-0']);
    expect(news).toEqual(['news']);
  });

  test('finds what an editor has deleted', async () => {
    const { mirror, walk, dirty, news } = setUp();
    mirror.wrote(own);
    dirty();
    await walk();
    expect(mirror.at(ownKey)).toBeUndefined();
    expect([dirty(), news]).toEqual([['shop/web-0'], ['news']]);
  });

  test('without news plans nothing', async () => {
    const { mirror, walk, dirty, news } = setUp([own]);
    mirror.wrote(own);
    dirty();
    await walk();
    expect([dirty(), news]).toEqual([[], []]);
  });

  test('does not take back what MIC writes meanwhile', async () => {
    const other = assigned({ name: 'web-1-shop-reader', podName: 'web-1' });
    const { mirror, world, walk } = setUp([own, other], [pod(), pod({ name: 'web-1' })]);
    await walk();
    const newer = { ...own, resourceVersion: '9' };
    const created = assigned({ name: 'web-2-shop-reader', podName: 'web-2' });
    world.onPage = () => {
      mirror.wrote(newer);
      mirror.removed(other);
      mirror.wrote(created);
    };
    expect(await walk()).toEqual([]);
    expect(mirror.at(ownKey)).toBe(newer);
    expect(mirror.at(keyOf(other))).toBeUndefined();
    expect(mirror.at(keyOf(created))).toBe(created);
  });

  test('that fails forgets nothing', async () => {
    const { mirror, world, walk } = setUp();
    mirror.wrote(own);
    world.onPage = () => {
      throw new KubeError('gone', 'the pages have expired');
    };
    await expect(walk()).rejects.toThrow('expired');
    expect(mirror.at(ownKey)).toBe(own);
  });

  test('leaves what is deleted already and kept by a finalizer of others', async () => {
    const { walk } = setUp([{ ...assigned({ name: 'kept', podName: 'gone' }), isEnding: true }]);
    expect(await walk()).toEqual([]);
  });

  test('leaves records of pods that may run in a namespace that is not listed', async () => {
    const theirs = assigned({ namespace: 'pay', podNamespace: 'pay', name: 'unknown' });
    const { index, mirror, walk } = setUp([theirs]);
    index.unlisted.add(['pay']);
    expect(await walk()).toEqual([]);
    expect(mirror.keys()).toEqual([]);
    index.unlisted.delete('pay');
    expect(await walk()).toEqual(['pay/unknown']);
  });

  test('leaves to the plan what MIC wrote for a pod that is gone since', async () => {
    const { index, mirror, walk } = setUp([own]);
    mirror.wrote(own);
    index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
    expect(await walk()).toEqual([]);
  });
});

test('a pod is not to be planned again for what was written for it', () => {
  const { mirror, dirty, news } = setUp();
  mirror.wrote(own);
  expect(mirror.at(ownKey)).toBe(own);
  mirror.removed(own);
  expect([dirty(), news]).toEqual([[], []]);
});

test('what has the name of a removed object by then stays', () => {
  const { mirror } = setUp();
  mirror.wrote({ ...own, uid: 'newer' });
  mirror.removed(own);
  expect(mirror.at(ownKey)?.uid).toBe('newer');
});

test('an object that no pod needed when it was listed, and a pod has when it is removed, is planned again', async () => {
  const { index, mirror, stored, dirty, news } = setUp([own], []);
  const left: AssignedView[] = [];
  await mirror.walk(signal, (page) => Promise.resolve(left.push(...page)));
  index.apply({ kind: 'pod', key: 'shop/web-0', view: pod() });
  // The pod's own write failed with 409. A read makes a view of its own.
  stored.set(ownKey, { ...own });
  await mirror.look(ownKey, 'shop/web-0', signal);
  dirty();
  news.length = 0;
  for (const view of left) mirror.removed(view);
  expect(mirror.at(ownKey)).toBeUndefined();
  expect([dirty(), news]).toEqual([['shop/web-0'], ['news']]);
});

test('what is written for a pod that is gone by then is planned again', () => {
  const { index, mirror, dirty, news } = setUp();
  index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
  dirty();
  mirror.wrote(own);
  expect([dirty(), news]).toEqual([['shop/web-0'], ['news']]);
});

test.each<[string, AssignedView | 'unreadable' | undefined, boolean]>([
  ['exists', own, true],
  ['is gone', undefined, false],
  ['cannot be read', 'unreadable', true],
])('a look at an object that %s', async (_what, found, exists) => {
  const { index } = setUp();
  const reader = { get: () => Promise.resolve(found) } as unknown as AssignedIdentityReader;
  const mirror = new Mirror(index, reader);
  expect(await mirror.look(ownKey, 'shop/web-0', signal)).toBe(exists);
  expect(mirror.at(ownKey)).toBe(found === 'unreadable' ? undefined : found);
});

test.each([
  ['no pod needs', own.name, { ...own, podName: 'web-0', meaning: '' }],
  ['another pod needs', 'web-1-shop-reader', undefined],
])('what others wrote under a name of MIC for another pod, and %s', async (_who, name, ours) => {
  const { mirror, stored } = setUp([], [pod(), pod({ name: 'web-1' })]);
  const theirs = { ...own, name, podName: 'web-1' };
  stored.set(keyOf(theirs), theirs);
  await mirror.look(keyOf(theirs), 'shop/web-0', signal);
  expect(mirror.at(keyOf(theirs))).toEqual(ours ?? theirs);
});
