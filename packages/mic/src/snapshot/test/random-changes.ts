// Changes of pods, bindings, identities and namespaces with all fields, at random, in a world so small that they concern each other.
import { apiVersion, type AllowedNamespaces, type LabelRequirement } from '@pod-identity/crd-types';
import fc from 'fast-check';
import type { ClusterChange } from '../index/cluster-index.ts';
import { createTrims } from '../trims.ts';
import type { PodView } from '../views.ts';

const trims = createTrims();

const namespace = fc.constantFrom('shop', 'shop', 'a', 'z');
const key = fc.constantFrom('app', 'tier');
const value = fc.constantFrom('a', 'b');
export const account = fc.constantFrom('default', 'front');
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

export const resource = (name: string) =>
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
export const aBinding = fc
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
/** More bindings with conditions than count, most of them with an equal selector. */
export const aCrowd = fc
  .record({ namespace, key, rest: fc.constantFrom('a', 'b', 'c'), every: fc.integer({ min: 2, max: 120 }) })
  .map(({ namespace: of, key: all, rest, every }) =>
    Array.from({ length: 105 }, (_, index) => {
      const others = index % every === 0 ? [] : [{ key: 'tier', operator: 'NotIn', values: [rest] }];
      const podSelector = { matchExpressions: [{ key: all, operator: 'Exists' }, ...others] };
      return bindingChange(
        { namespace: of, name: `b${String(index).padStart(3, '0')}` },
        {
          azureIdentity: index % 2 === 0 ? 'one' : 'two',
          selector: index % 7 === 0 ? 'demo' : '',
          podSelector,
        },
      );
    }),
  );
export const anIdentity = fc
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
export const aPod = fc
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
    };
    return { kind: 'pod', key: `${names.namespace}/${names.name}`, view: isGone ? undefined : view };
  });
export const aNamespace = fc
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
