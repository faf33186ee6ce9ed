// After any history, in which passes run while pods are stale, MIC has done and says what it would after a start with the same objects.
import { KubeError } from '@pod-identity/kit/kube';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  account,
  aBinding,
  aCrowd,
  anIdentity,
  aNamespace,
  aPod,
  resource,
} from '../src/snapshot/test/random-changes.ts';
import { binding, identity, instanceOf, machine, node, pod } from '../src/plan/test/builders.ts';
import type { ClusterChange } from '../src/snapshot/index/cluster-index.ts';
import { createScene, type ForgedRecord, type Scene, type SceneRules } from './history-scene.ts';

const namespaces = ['shop', 'a', 'z'];
const namespace = fc.constantFrom(...namespaces);
const nodeName = fc.constantFrom('node-0', 'node-0', 'node-1', 'node-2', 'elsewhere', 'missing');

/** Also of another node, without one, finished, or another pod of the same name. */
const podChange = fc
  .record({
    change: aPod,
    nodeName: fc.oneof({ weight: 6, arbitrary: nodeName }, fc.constant('')),
    uid: fc.nat(1),
    more: fc.nat(9),
  })
  .map(({ change, more, ...fields }): ClusterChange => {
    if (change.kind !== 'pod' || change.view === undefined) return change;
    const uid = `${change.view.uid}-${fields.uid}`;
    return { ...change, view: { ...change.view, ...fields, uid, finished: more === 0 } };
  });
const providers = {
  'node-0': instanceOf('pool'),
  'node-1': instanceOf('pool', 1),
  'node-2': machine('vm'),
  elsewhere: 'kind://elsewhere',
};
const nodes = Object.entries(providers).map(([name, id]): ClusterChange => ({
  kind: 'node',
  key: name,
  view: node(name, id),
}));
const nodeChange = fc
  .tuple(fc.constantFrom(...nodes), fc.constantFrom(true, true, false))
  .map(([change, isThere]): ClusterChange =>
    isThere ? change : { ...change, kind: 'node', view: undefined },
  );

/** Pods of each namespace that have an identity. */
const base = namespaces.flatMap((one): ClusterChange[] => {
  const spec = { type: 0, resourceID: resource('one') };
  const views = [identity({ namespace: one, name: 'one', spec })];
  const bound = [binding({ namespace: one, name: 'a', azureIdentity: 'one' })];
  const pods = ['p', 'q'].map((name) => pod({ namespace: one, name, label: 'demo' }));
  return [
    ...views.map((view): ClusterChange => ({ kind: 'identity', key: view.key, view })),
    ...bound.map((view): ClusterChange => ({ kind: 'binding', key: view.key, view })),
    ...pods.map((view): ClusterChange => ({ kind: 'pod', key: `${one}/${view.name}`, view })),
  ];
});

/** Also one whose labels are not known. */
const namespaceChange = fc.tuple(aNamespace, fc.nat(4)).map(([change, more]): ClusterChange => {
  if (change.kind !== 'namespace' || change.view === undefined || more > 0) return change;
  return { ...change, view: { ...change.view, labels: undefined, labelsFault: 'are too large' } };
});

const change = fc.oneof(
  { weight: 5, arbitrary: podChange },
  { weight: 4, arbitrary: aBinding },
  { weight: 3, arbitrary: anIdentity },
  { weight: 2, arbitrary: namespaceChange },
  { weight: 1, arbitrary: nodeChange },
);

type Command =
  | { readonly kind: 'change' | 'back-and-forth' | 'at-next-write'; readonly change: ClusterChange }
  | { readonly kind: 'crowd'; readonly changes: readonly ClusterChange[] }
  | { readonly kind: 'settle' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'refuse'; readonly how: 'conflict' | 'invalid' | 'bug' }
  | { readonly kind: 'unlist' | 'list'; readonly namespace: string }
  | { readonly kind: 'right'; readonly account: string; readonly identity: string; readonly isGiven: boolean }
  | ({ readonly kind: 'record' | 'drop-record' } & ForgedRecord);

const resourceName = fc.constantFrom('one', 'two');
const command = fc.oneof<fc.MaybeWeightedArbitrary<Command>[]>(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('change'), change }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('back-and-forth'), change }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('at-next-write'), change }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('crowd'), changes: aCrowd }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(30, 1_000, 6_000, 301_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('refuse'), how: fc.constantFrom('conflict', 'invalid', 'bug') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('unlist', 'list'), namespace }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('right'),
      account,
      identity: resourceName,
      isGiven: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('record', 'drop-record'),
      namespace,
      pod: fc.constantFrom('p', 'q', 'gone'),
      identity: resourceName,
      state: fc.constantFrom('Created', 'Assigned'),
    }),
  },
);
const rules = fc.record({
  matching: fc.record({ forceNamespaced: fc.boolean() }),
  access: fc.constantFrom('namespace' as const, 'rbac' as const, 'warn' as const),
});

/** The objects and the rights, as the API server has them now. */
class Cluster {
  readonly #objects = new Map<string, ClusterChange>();
  readonly #refused = new Set<string>();

  apply(one: ClusterChange): void {
    this.#objects.set(nameOf(one), one);
  }

  /** The current object; without a view if there is none. */
  now(one: ClusterChange): ClusterChange {
    return this.#objects.get(nameOf(one)) ?? { ...one, view: undefined };
  }

  all(): readonly ClusterChange[] {
    return [...this.#objects.values()];
  }

  setRight({ account: name, identity: id, isGiven }: Command & { readonly kind: 'right' }): void {
    const pair = `${name} ${id}`;
    if (isGiven) this.#refused.delete(pair);
    else this.#refused.add(pair);
  }

  mayUse(user: string, name: string): boolean {
    return ![...this.#refused].some((pair) => {
      const [of = '', id = ''] = pair.split(' ');
      return user.endsWith(`:${of}`) && name.endsWith(id);
    });
  }
}

const nameOf = ({ kind, key }: ClusterChange) => `${kind} ${key}`;

type Play = {
  readonly [K in Command['kind']]: (command: Command & { readonly kind: K }) => void | Promise<void>;
};

function playOn(scene: Scene, cluster: Cluster): Play {
  const refusals: (() => void)[] = [];
  scene.faults.beforeWrite = () => refusals.shift()?.();
  const make = (one: ClusterChange) => {
    cluster.apply(one);
    scene.apply(one);
  };
  return {
    change: (one) => make(one.change),
    crowd({ changes }) {
      for (const one of changes) {
        cluster.apply(one);
        scene.index.apply(one);
      }
      scene.slice();
    },
    'back-and-forth'(one) {
      const before = cluster.now(one.change);
      make(one.change);
      make(before);
    },
    'at-next-write': (one) => void refusals.push(() => make(one.change)),
    settle() {
      scene.index.settle();
      scene.slice();
    },
    wait: ({ ms }) => scene.clock.advance(ms),
    refuse: ({ how }) =>
      void refusals.push(() => {
        if (how === 'bug') throw new TypeError('bug');
        throw new KubeError(how, `${how}!`);
      }),
    unlist: (one) => scene.index.unlisted.add([one.namespace]),
    list: (one) => scene.index.unlisted.delete(one.namespace),
    right: (one) => cluster.setRight(one),
    record: (one) => scene.putRecord(one),
    'drop-record': (one) => scene.dropRecord(one),
  };
}

async function run(given: Omit<SceneRules, 'mayUse'>, commands: readonly Command[]) {
  const cluster = new Cluster();
  const mayUse = (user: string, name: string) => cluster.mayUse(user, name);
  const scene = createScene({ ...given, mayUse });
  const plays = playOn(scene, cluster);
  for (const one of [...nodes, ...base]) {
    cluster.apply(one);
    scene.apply(one);
  }
  scene.start();
  for (const one of commands) await (plays[one.kind] as (of: Command) => void | Promise<void>)(one);
  scene.faults.beforeWrite = () => undefined;
  for (const one of namespaces) scene.index.unlisted.delete(one);
  await scene.quiet();
  const fresh = createScene({ ...given, mayUse });
  for (const one of cluster.all()) fresh.apply(one);
  fresh.start();
  await fresh.quiet();
  return [scene.seen(), fresh.seen()] as const;
}

test('after any history of objects, rights, refused writes, and records that editors write and delete, MIC has done and says what it would after a start', async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.array(command, { minLength: 5, maxLength: 40, size: 'max' }),
      async (given, commands) => {
        const [seen, wanted] = await run(given, commands);
        expect(seen).toEqual(wanted);
      },
    ),
    { numRuns: 60 },
  );
});
