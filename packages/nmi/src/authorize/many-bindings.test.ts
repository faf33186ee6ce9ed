import { expect, it } from 'vitest';
import {
  authorize,
  binding,
  clientIdOf,
  identity,
  pod,
  resourceIdOf,
  rules,
  storeOf,
  viewOf,
} from '../../test/builders.ts';
import { explainDenial } from '../respond/refusal-texts.ts';
import { identitiesOf } from './authorize.ts';
import { bindingsOfSelector } from './bindings-of-selector.ts';
import type { ClusterView } from './types.ts';

const names = Array.from({ length: 1_000 }, (_, index) => `i${String(index).padStart(4, '0')}`);
const own = [identity({ name: 'reader', namespace: 'shop' })];
const openRules = { ...rules, forceNamespaced: false };

/** Counts the reads of identities for one decision. */
const counted = (view: ClusterView) => {
  let reads = 0;
  const counting: ClusterView = {
    ...view,
    identityOf: (namespace, name) => {
      reads += 1;
      return view.identityOf(namespace, name);
    },
  };
  return { view: counting, reads: () => reads };
};

const hostile = (clientID?: string, resourceID?: string) => ({
  identities: names.map((name) =>
    identity({
      name,
      clientID,
      resourceID: resourceID === undefined ? resourceIdOf(name) : resourceID + name,
    }),
  ),
  bindings: names.map((name) => binding(name, { name })),
});

it('a thousand bindings of one pod cost no more than a hundred', () => {
  const { view, reads } = counted(viewOf(hostile()).view);
  expect(identitiesOf(pod(), view, rules)).toHaveLength(100);
  expect(reads()).toBe(100);
});

it('the bindings of another namespace take nothing from a pod, wherever their names come in the order', () => {
  const { identities, bindings } = hostile();
  const world = {
    identities: [...identities, ...own],
    bindings: [...bindings, binding('reader', { namespace: 'shop' })],
  };
  const till = pod({ namespace: 'shop', name: 'till' });
  const selector = { by: 'client-id', value: clientIdOf('reader') } as const;
  for (const each of [{ ...rules, forceNamespaced: true }, openRules]) {
    const decision = authorize({ pod: till, selector }, viewOf(world).view, each);
    expect(decision).toMatchObject({ kind: 'allow', identity: { name: 'shop/reader' } });
  }
});

it('an answer that lists the identities of a pod is short, however many and long they are', () => {
  const long = resourceIdOf(`x${'y'.repeat(400)}`);
  const decision = authorize(
    { pod: pod(), selector: { by: 'nothing' } },
    viewOf(hostile(undefined, long)).view,
    rules,
  );
  if (decision.kind !== 'deny') throw new Error(decision.kind);
  const text = explainDenial('default/web', decision.denial);
  expect(text.length).toBeLessThan(5_000);
  expect(text).toMatch(/and \d+ more\.$/);
});

it('a pod with a binding of its own costs no look at those that other namespaces write with its selector', () => {
  const foreign = names.map((name) => binding(name, { name, namespace: `hostile-${name}` }));
  const store = storeOf([...foreign, binding('reader', { namespace: 'shop' })]);
  const found: string[] = [];
  const counting = {
    by: (index: string, value: string) => {
      const bindings = store.by(index, value);
      found.push(...bindings.map(({ metadata }) => metadata.namespace ?? ''));
      return bindings;
    },
  };
  const view: ClusterView = {
    ...viewOf({ identities: own }).view,
    bindingsWithSelector: (label) => bindingsOfSelector(counting, label),
  };
  const till = pod({ namespace: 'shop', name: 'till' });
  expect(identitiesOf(till, view, { ...rules, forceNamespaced: true })).toHaveLength(1);
  expect(found).toEqual(['shop']);
});

it('identities of other namespaces are looked for among the bindings of namespaces that offer any', () => {
  const stage = viewOf({
    identities: [
      identity({ name: 'vault', namespace: 'data', spec: { allowedNamespaces: { names: ['shop'] } } }),
    ],
    bindings: [binding('vault', { namespace: 'data' })],
    namespaces: [
      { name: 'shop', labels: { 'identities-from.aadpodidentity.k8s.io/data': 'true' }, access: undefined },
    ],
  });
  const till = pod({ namespace: 'shop', name: 'till' });
  const rbac = { ...rules, forceNamespaced: true, identityAccess: 'rbac' as const };
  const none = { namespaces: [], of: () => [] };
  const offered = { ...stage.view, bindingsWithSelector: () => none };
  expect(identitiesOf(till, offered, rbac).map(({ name }) => name)).toEqual(['data/vault']);
  expect(identitiesOf(till, { ...offered, bindingsReachingOut: () => none }, rbac)).toEqual([]);
});
