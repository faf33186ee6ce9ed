// Compares the index, after random histories of bindings and identities with all fields, with the plain rule over the current objects.
import {
  apiVersion,
  bindingsAmong,
  matchPod,
  type AllowedNamespaces,
  type AzureIdentityBinding,
  type LabelRequirement,
  type MatchingRules,
} from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTrims } from '../trims.ts';
import { factsOf } from '../pod-facts.ts';
import type { IdentityView, NodeView, PodView } from '../views.ts';
import { AccessBook } from '../../access/book.ts';
import { ClusterIndex, type ClusterChange } from './cluster-index.ts';
import type { AccessGroup } from './rights.ts';

const trims = createTrims();

const namespace = fc.constantFrom('shop', 'shop', 'a', 'z');
const key = fc.constantFrom('app', 'tier');
const value = fc.constantFrom('a', 'b');
const account = fc.constantFrom('default', 'front');
const values = fc.uniqueArray(value, { minLength: 1, maxLength: 2 });
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const labelSelector = fc.record(
  {
    matchLabels: fc.dictionary(key, value, { maxKeys: 2, noNullPrototype: true }),
    matchExpressions: fc.array(requirement, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
/** Often equal, so that a changed binding still selects the same pods. */
const conditions = fc.oneof(
  fc.constantFrom<object>(
    {},
    { podSelector: { matchLabels: { app: 'a' } } },
    { serviceAccountName: 'front' },
  ),
  fc.record(
    { podSelector: labelSelector, serviceAccountName: account, default: fc.boolean() },
    { requiredKeys: [] },
  ),
);

const resource = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const gone = fc.constantFrom(false, false, false, true);

const bindingChange = (
  metadata: { namespace: string; name: string },
  spec: object,
  isGone = false,
): ClusterChange => ({
  kind: 'binding',
  key: `${metadata.namespace}/${metadata.name}`,
  view: isGone ? undefined : trims.binding({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec }),
});
const aBinding = fc
  .record({
    namespace,
    gone,
    // Before, in and after the names of a crowd.
    name: fc.constantFrom('a', 'b', 'b-c', 'b050', 'c'),
    azureIdentity: fc.constantFrom('one', 'two', 'three'),
    selector: fc.constantFrom('', 'demo', 'other'),
    more: conditions,
  })
  .map(({ gone: isGone, more, selector, azureIdentity, ...metadata }) =>
    bindingChange(metadata, { azureIdentity, selector, ...more }, isGone),
  );
const anUnmet = fc.record({ key, operator: fc.constantFrom('NotIn', 'DoesNotExist') });
/** More broad bindings than count. Not all of them select the same pods. */
const aCrowd = fc
  .record({ namespace, unmet: fc.tuple(anUnmet, anUnmet), every: fc.integer({ min: 2, max: 120 }) })
  .map(({ namespace: of, unmet, every }) =>
    Array.from({ length: 103 }, (_, index) => {
      const one = unmet[index % every === 0 ? 1 : 0];
      const requirement = one.operator === 'NotIn' ? { ...one, values: ['a'] } : one;
      return bindingChange(
        { namespace: of, name: `b${String(index).padStart(3, '0')}` },
        {
          azureIdentity: index % 2 === 0 ? 'one' : 'two',
          selector: '',
          podSelector: { matchExpressions: [requirement] },
        },
      );
    }),
  );
const anIdentity = fc
  .record({
    namespace,
    gone,
    name: fc.constantFrom('one', 'two', 'three'),
    of: fc.constantFrom('one', 'two', 'not an id'),
    allowedNamespaces: fc.option(
      fc.record<AllowedNamespaces>(
        { names: fc.uniqueArray(namespace, { maxLength: 2 }), selector: labelSelector },
        { requiredKeys: [] },
      ),
      { nil: undefined },
    ),
  })
  .map(({ gone: isGone, of, allowedNamespaces, ...metadata }): ClusterChange => {
    const spec = { type: 0, resourceID: resource(of), ...(allowedNamespaces && { allowedNamespaces }) };
    const view = trims.identity({ apiVersion, kind: 'AzureIdentity', metadata, spec });
    return {
      kind: 'identity',
      key: `${metadata.namespace}/${metadata.name}`,
      view: isGone ? undefined : view,
    };
  });
/** With all labels, or only the binding label if it has one. */
const aPod = fc
  .record({
    namespace,
    gone,
    name: fc.constantFrom('p', 'q', 'r', 's'),
    label: fc.option(fc.constantFrom('', 'demo', 'other'), { nil: undefined }),
    labels: fc.dictionary(key, value, { noNullPrototype: true }),
    isWhole: fc.boolean(),
    serviceAccount: fc.oneof({ weight: 5, arbitrary: account }, fc.constant('')),
  })
  .map(({ gone: isGone, label, labels, isWhole, serviceAccount, ...names }): ClusterChange => {
    const all = { ...labels, ...(label === undefined ? {} : { aadpodidbinding: label }) };
    const view: PodView = {
      ...names,
      uid: names.name,
      nodeName: 'node-0',
      bindingLabel: label ?? '',
      ...(label === undefined && { isUnlabelled: true }),
      ...((isWhole || label === undefined) && { labels: all }),
      serviceAccount,
      finished: false,
      createdAt: 0,
    };
    return { kind: 'pod', key: `${names.namespace}/${names.name}`, view: isGone ? undefined : view };
  });
const aNamespace = fc
  .record({
    name: namespace,
    labels: fc.dictionary(key, value, { noNullPrototype: true }),
    accepted: fc.uniqueArray(namespace, { maxLength: 3 }),
    isRbac: fc.boolean(),
    gone,
  })
  .map(({ name, labels: others, accepted, isRbac, gone: isGone }): ClusterChange => {
    const accepting = accepted.map((one) => [`identities-from.aadpodidentity.k8s.io/${one}`, 'true']);
    const labels = { ...others, ...(Object.fromEntries(accepting) as Record<string, string>) };
    const view = { name, labels, access: isRbac ? ('rbac' as const) : undefined };
    return { kind: 'namespace', key: name, view: isGone ? undefined : view };
  });
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
  { arbitrary: fc.tuple(changes, aCrowd, changes).map((parts) => parts.flat()), weight: 1 },
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
  const book = new AccessBook<AccessGroup>({ pairsPerNamespace: 100, recheckMs: 1 });
  const index = new ClusterIndex(rules, {
    mode: rules.byAllowedNamespaces === true ? 'rbac' : 'namespace',
    book,
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
