// Compares the index, after random histories of bindings and identities with all fields, with the plain rule over the current objects.
import {
  bindingsAmong,
  matchPod,
  type AzureIdentityBinding,
  type MatchingRules,
} from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aBinding, aCrowd, anIdentity, aNamespace, aPod } from '../test/random-changes.ts';
import { factsOf } from './matching.ts';
import type { IdentityView, NodeView, PodView } from '../views.ts';
import { PairRegistry } from '../../access/pair-registry.ts';
import { ClusterIndex, type ClusterChange } from './cluster-index.ts';
import type { AccessGroup } from './rights.ts';

const changes = fc.array(
  fc.oneof(
    { arbitrary: aBinding, weight: 4 },
    { arbitrary: anIdentity, weight: 3 },
    { arbitrary: aPod, weight: 4 },
    { arbitrary: aNamespace, weight: 1 },
  ),
  { maxLength: 60, size: 'max' },
);
const history = fc.oneof(
  { arbitrary: changes, weight: 4 },
  {
    arbitrary: fc.tuple(changes, aCrowd, changes).map((parts) => parts.flat()),
    weight: 1,
  },
);
const baseRules = fc.record({
  forceNamespaced: fc.boolean(),
  byAllowedNamespaces: fc.constantFrom(false, false, true),
});

const node: NodeView = {
  name: 'node-0',
  providerId: 'azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0',
};

/** The current objects by kind and key. */
class World {
  readonly #views = new Map<string, ClusterChange>();

  apply(change: ClusterChange): void {
    if (change.view === undefined) this.#views.delete(`${change.kind} ${change.key}`);
    else this.#views.set(`${change.kind} ${change.key}`, change);
  }

  all(): ClusterChange[] {
    return [...this.#views.values()];
  }

  pods(): PodView[] {
    return this.all().flatMap((change) => (change.kind === 'pod' && change.view ? [change.view] : []));
  }

  bindings(): AzureIdentityBinding[] {
    return this.all().flatMap(({ kind, view }) =>
      kind === 'binding' && view && 'binding' in view ? [view.binding] : [],
    );
  }

  matches(pod: PodView, rules: MatchingRules) {
    const of = (kind: ClusterChange['kind'], name: string) => this.#views.get(`${kind} ${name}`)?.view;
    const own = of('namespace', pod.namespace) as
      { labels: Record<string, string>; access?: string } | undefined;
    return matchPod({
      ...bindingsAmong(this.bindings()),
      pod: factsOf(pod),
      namespaceLabels: own?.labels,
      identityOf: (ns, name) => {
        const view = of('identity', `${ns}/${name}`) as IdentityView | undefined;
        return view?.kind === 'valid' ? view.identity : undefined;
      },
      rules: own?.access === 'rbac' ? { ...rules, byAllowedNamespaces: true } : rules,
    });
  }
}

function fill(rules: MatchingRules, changes: readonly ClusterChange[]): ClusterIndex {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 100, recheckMs: 1 });
  const index = new ClusterIndex(rules, {
    mode: rules.byAllowedNamespaces === true ? 'rbac' : 'namespace',
    registry,
  });
  index.apply({ kind: 'node', key: node.name, view: node });
  for (const change of changes) index.apply(change);
  return index;
}

test('after any history every pod gets what the plain rule gives it, and hosts need what their pods get', () => {
  fc.assert(
    fc.property(history, baseRules, fc.nat(3), (made, rules, looks) => {
      const world = new World();
      const index = fill(rules, []);
      made.forEach((change, at) => {
        world.apply(change);
        index.apply(change);
        // Queries between changes fill the caches, so that stale entries are found.
        if (at % (looks + 1) > 0) return;
        for (const pod of world.pods()) index.matchSetOf(pod);
      });
      for (const pod of world.pods()) {
        const { matches, mismatches } = index.matchSetOf(pod);
        const plain = world.matches(pod, rules);
        expect(matches.map(({ binding, identity }) => [binding, identity])).toEqual(
          plain.matches.map(({ binding, identity }) => [binding, identity]),
        );
        expect(mismatches).toEqual(plain.mismatches);
      }
      const fresh = fill(rules, world.all()).settle();
      index.settle();
      for (const { id } of fresh.hosts()) expect(new Map(index.need(id))).toEqual(new Map(fresh.need(id)));
    }),
    { numRuns: 500 },
  );
});

/** Without `default`, which only NMI uses. */
const told = (matches: unknown) =>
  JSON.stringify(matches, (name, value: unknown) => (name === 'default' ? undefined : value));

test('a pod whose matches change is looked at again', () => {
  fc.assert(
    fc.property(history, history, baseRules, (before, after, rules) => {
      const world = new World();
      const index = fill(rules, before);
      before.forEach((change) => world.apply(change));
      const had = new Map(world.pods().map((pod) => [pod, told(world.matches(pod, rules))]));
      for (const host of index.settle().dirtyHosts()) index.takeDirty(host);
      for (const change of after.filter(({ kind }) => kind !== 'pod')) {
        world.apply(change);
        index.apply(change);
      }
      const dirty = new Set([...index.settle().dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]));
      for (const [pod, matches] of had)
        if (told(world.matches(pod, rules)) !== matches)
          expect(dirty).toContain(`${pod.namespace}/${pod.name}`);
    }),
    { numRuns: 500 },
  );
});
