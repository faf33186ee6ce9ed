// Random histories of pods and of the objects that decide rights, during which pods request tokens that take a while to come.
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  binding,
  exception,
  identity,
  issuedTo,
  openQueue,
  pod as podOf,
  resourceIdOf,
  rules as usual,
  viewOf,
  type World,
} from '../../test/builders.ts';
import { authorize } from '../authorize/authorize.ts';
import type { AuthorizeRules, RightsChange } from '../authorize/types.ts';
import { reachOf, usableBy, type Usable } from '../authorize/usable-by.ts';
import { permitOf } from '../handle/permit.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { keyOf } from '../tokens/memory.ts';
import { createSecretMemory } from '../tokens/principal/secret-memory.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { ServicePrincipal, TokenSubject } from '../tokens/types.ts';
import { createForgetter } from './forgetter.ts';
import { createHolders } from './holders.ts';
import { heldTokens } from './held-tokens.ts';

const namespaces = ['bank', 'data', 'shop'] as const;
const names = ['a', 'b'] as const;
type Kind = 'identities' | 'bindings' | 'exceptions' | 'namespaces';
type Shape = { readonly [K in Kind]: ReadonlyMap<string, NonNullable<World[K]>[number]> };
interface State extends Shape {
  readonly pods: ReadonlyMap<string, PodView>;
}
type Step =
  | { readonly kind: 'become'; readonly change: (state: State) => State }
  /** Waits between the decision and the request for the token, and for the token. */
  | {
      readonly kind: 'ask';
      readonly pod: string;
      readonly selector: Selector;
      readonly waitsMs: number;
      readonly takesMs: number;
    }
  | { readonly kind: 'pass'; readonly ms: number };

const set = <V>(map: ReadonlyMap<string, V>, key: string, value: V | undefined) => {
  const next = new Map(map);
  if (value === undefined) next.delete(key);
  else next.set(key, value);
  return next;
};
const aNamespace = fc.constantFrom(...namespaces);
const aName = fc.constantFrom(...names);
const become = (change: fc.Arbitrary<(state: State) => State>) =>
  change.map((one): Step => ({ kind: 'become', change: one }));

const principal = { tenantID: 't1', clientPassword: { name: 'credentials' } };
const anIdentity = fc
  .record({
    namespace: aNamespace,
    name: aName,
    is: fc.constantFrom('absent', 'a', 'b', 'open', 'principal', 'other-principal'),
  })
  .map(({ namespace, name, is }) => {
    const isPrincipal = is.endsWith('principal');
    const value = identity({
      name,
      namespace,
      type: isPrincipal ? 1 : 0,
      resourceID: resourceIdOf(is),
      clientID: isPrincipal ? `c-${is}` : undefined,
      spec: {
        ...(isPrincipal && principal),
        ...(is === 'open' && { allowedNamespaces: { names: [...namespaces] } }),
      },
    });
    return (state: State): State => ({
      ...state,
      identities: set(state.identities, `${namespace}/${name}`, is === 'absent' ? undefined : value),
    });
  });
const aBinding = fc
  .record({ namespace: aNamespace, name: aName, of: aName, selector: fc.constantFrom('', 'x', 'y') })
  .map(({ namespace, name, of, selector }) => (state: State): State => ({
    ...state,
    bindings: set(
      state.bindings,
      `${namespace}/${name}`,
      selector === '' ? undefined : binding(of, { name, namespace, selector }),
    ),
  }));
const anException = fc
  .record({ namespace: aNamespace, is: fc.constantFrom('absent', 'absent', 'all', 'one') })
  .map(({ namespace, is }) => (state: State): State => ({
    ...state,
    exceptions: set(
      state.exceptions,
      namespace,
      is === 'absent'
        ? undefined
        : exception({ aadpodidbinding: 'x' }, namespace, is === 'one' ? ['m-a'] : undefined),
    ),
  }));
const aNamespaceView = fc
  .record({ name: aNamespace, access: fc.constantFrom(undefined, 'rbac' as const), accepts: aNamespace })
  .map(({ name, access, accepts }) => (state: State): State => ({
    ...state,
    namespaces: set(state.namespaces, name, {
      name,
      access,
      labels: { [`identities-from.aadpodidentity.k8s.io/${accepts}`]: 'true' },
    }),
  }));
const aPod = fc
  .record({
    namespace: aNamespace,
    name: aName,
    is: fc.constantFrom('gone', 'x', 'x', 'y', 'again', 'Succeeded'),
  })
  .map(({ namespace, name, is }) => (state: State): State => {
    const key = `${namespace}/${name}`;
    const uid = is === 'again' ? `${key} again` : (state.pods.get(key)?.uid ?? key);
    const view = podOf({
      uid,
      name,
      namespace,
      phase: is === 'Succeeded' ? is : 'Running',
      labels: { aadpodidbinding: is === 'y' ? 'y' : 'x' },
    });
    return { ...state, pods: set(state.pods, key, is === 'gone' ? undefined : view) };
  });
const aSelector = fc.constantFrom<Selector>(
  { by: 'nothing' },
  { by: 'nothing' },
  { by: 'client-id', value: 'm-a' },
  { by: 'resource-id', value: resourceIdOf('a').toLowerCase() },
  { by: 'resource-id', value: resourceIdOf('open').toLowerCase() },
  { by: 'client-id', value: 'c-principal' },
);
const aWait = fc.oneof(fc.constant(0), fc.nat(600));
const anAsk = fc
  .record({ namespace: aNamespace, name: aName, selector: aSelector, waitsMs: aWait, takesMs: aWait })
  .map(({ namespace, name, ...rest }): Step => ({ kind: 'ask', pod: `${namespace}/${name}`, ...rest }));
const aStep: fc.Arbitrary<Step> = fc.oneof(
  become(anIdentity),
  become(aBinding),
  become(fc.oneof(anException, aNamespaceView)),
  become(aPod),
  { arbitrary: anAsk, weight: 4 },
  fc.nat(600).map((ms): Step => ({ kind: 'pass', ms })),
);

const listOf = (state: State): World => ({
  identities: [...state.identities.values()],
  bindings: [...state.bindings.values()],
  exceptions: [...state.exceptions.values()],
  namespaces: [...state.namespaces.values()],
});

/** As the informers tell them. */
function changesBetween(before: State, after: State): readonly RightsChange[] {
  return (['identities', 'bindings', 'exceptions', 'namespaces'] as const).flatMap((kind) =>
    [...new Set([...before[kind].keys(), ...after[kind].keys()])]
      .filter((key) => before[kind].get(key) !== after[kind].get(key))
      .map((key) => ({
        namespace: key.split('/')[0] ?? '',
        reachesOut: kind === 'identities' || kind === 'bindings',
      })),
  );
}

const resource = 'r';
/** A pod that was deleted while its request waited counts as one that the watch delivers late. */
const settledMs = 62_000;

function startNode(first: State, rules: AuthorizeRules) {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(listOf(first));
  let state = first;
  let tookMs = 0;
  const podListeners = new Set<(uid: string) => void>();
  const rightsListeners = new Set<(change: RightsChange) => void>();
  const subjects = new Map<string, TokenSubject>();
  const holders = createHolders(({ key, secret }) => {
    source.forget(key);
    if (secret && !holders.holdsSecret(secret)) secrets.forget(secret);
  });
  const secrets = createSecretMemory({
    reader: {
      version: async () => {
        await clock.sleep(tookMs);
        return '1';
      },
      read: async () => {
        await clock.sleep(tookMs);
        return { version: '1', stored: { kind: 'secret', value: 'v' } };
      },
    },
    certificates: { read: () => Promise.resolve('not a certificate') },
    checks: openQueue,
    clock,
    onChanged: () => undefined,
    mayKeep: (secret) => holders.holdsSecret(secret),
  });
  const source = createTokenSource({
    upstream: {
      ask: async ({ subject }) => {
        if (subject.kind === 'service-principal') await secrets.proof(subject);
        await clock.sleep(tookMs);
        return { ...issuedTo('any', { now: clock.now() }), clientId: undefined };
      },
    },
    clock,
    random: () => 0,
    queueFor: () => openQueue,
    holdMs: 8_000,
    mayKeep: (subject) =>
      holders.holds(subject) && (subject.kind !== 'service-principal' || secrets.has(subject.secret)),
  });
  const forgetter = createForgetter({
    holders,
    podOf: (uid) => [...state.pods.values()].find((pod) => pod.uid === uid),
    usableBy: (pod) => usableBy(pod, cluster.view, rules),
    reachOf: (namespace) => reachOf(namespace, cluster.view, rules),
    changes: {
      onPod: (listener) => {
        podListeners.add(listener);
        return () => podListeners.delete(listener);
      },
      onRights: (listener) => {
        rightsListeners.add(listener);
        return () => rightsListeners.delete(listener);
      },
    },
    clock,
  });
  const tokens = heldTokens(source, { holders, onHeld: (holder) => forgetter.held(holder) });
  void forgetter.run(new AbortController().signal);
  const usable = (): readonly (readonly [uid: string, usable: Usable])[] =>
    [...state.pods.values()].map((pod) => [pod.uid, usableBy(pod, cluster.view, rules)]);

  return {
    clock,
    subjects,
    secrets,
    usable,
    become(next: State) {
      const before = state;
      state = next;
      cluster.change(listOf(next));
      for (const change of changesBetween(before, next))
        for (const listener of rightsListeners) listener(change);
      for (const key of new Set([...before.pods.keys(), ...next.pods.keys()])) {
        const views = [before.pods.get(key), next.pods.get(key)];
        if (views[0] === views[1]) continue;
        for (const uid of new Set(views.flatMap((view) => (view ? [view.uid] : []))))
          for (const listener of podListeners) listener(uid);
      }
    },
    /** Returns what was requested, and by whom. */
    ask({ pod: key, selector, waitsMs, takesMs }: Extract<Step, { readonly kind: 'ask' }>) {
      const pod = state.pods.get(key);
      const permit = pod && permitOf(authorize({ pod, selector }, cluster.view, rules));
      if (!permit) return undefined;
      const { subject } = permit;
      subjects.set(keyOf(subject), subject);
      const asker = { tenant: { namespace: pod.namespace, pod: pod.uid }, admit: () => 0 };
      clock.after(waitsMs, () => {
        tookMs = takesMs;
        void tokens.get(wishOf(subject), asker).catch(() => undefined);
      });
      return { uid: pod.uid, subject, again: () => tokens.get(wishOf(subject), asker) };
    },
    isKept: (subject: TokenSubject) =>
      source.cached(wishOf(subject), () => ({ tenant: { namespace: '', pod: '' }, admit: () => 0 })) !==
      undefined,
  };
}

const wishOf = (subject: TokenSubject) => ({
  subject,
  resource,
  bypassCache: false,
  isExpected: true,
});
const mayUse = (usable: Usable, subject: TokenSubject) =>
  subject.kind === 'machine' ? usable.allows(subject) : usable.keys.has(keyOf(subject));
const isPrincipal = (subject: TokenSubject): subject is ServicePrincipal =>
  subject.kind === 'service-principal';

const keyed = <V extends { readonly metadata: { readonly name: string; readonly namespace?: string } }>(
  ...all: readonly V[]
) => new Map(all.map((one) => [`${one.metadata.namespace ?? ''}/${one.metadata.name}`, one]));
const pods: State['pods'] = new Map(
  namespaces.flatMap((namespace) =>
    names.map((name) => {
      const key = `${namespace}/${name}`;
      return [
        key,
        podOf({ uid: key, name, namespace, labels: { aadpodidbinding: name === 'a' ? 'x' : 'y' } }),
      ];
    }),
  ),
);
/** A managed identity in bank, an application in shop, and pods in data that are exempt. */
const atHome: State = {
  pods,
  identities: keyed(
    identity({ name: 'a', namespace: 'bank', resourceID: resourceIdOf('a'), clientID: undefined }),
    identity({ name: 'a', namespace: 'shop', type: 1, clientID: 'c-principal', spec: principal }),
  ),
  bindings: keyed(
    binding('a', { name: 'a', namespace: 'bank', selector: 'x' }),
    binding('a', { name: 'a', namespace: 'shop', selector: 'x' }),
  ),
  exceptions: new Map([['data', exception({ aadpodidbinding: 'x' }, 'data')]]),
  namespaces: new Map(),
};
/** One identity in data for the pods of all namespaces. */
const shared: State = {
  pods,
  identities: keyed(
    identity({
      name: 'a',
      namespace: 'data',
      resourceID: resourceIdOf('open'),
      clientID: undefined,
      spec: { allowedNamespaces: { names: [...namespaces] } },
    }),
  ),
  bindings: keyed(binding('a', { name: 'a', namespace: 'data', selector: 'x' })),
  exceptions: new Map(),
  namespaces: new Map(
    namespaces.map((name) => [
      name,
      { name, access: undefined, labels: { 'identities-from.aadpodidentity.k8s.io/data': 'true' } },
    ]),
  ),
};

async function live(steps: readonly Step[], { first, rules }: Setting) {
  let state = first;
  const node = startNode(state, rules);
  /** What pods requested and have been allowed to use ever since. */
  const deserved = new Map<string, NonNullable<ReturnType<typeof node.ask>>>();
  for (const step of steps) {
    if (step.kind === 'pass') await node.clock.advance(step.ms);
    if (step.kind === 'become') {
      state = step.change(state);
      node.become(state);
    }
    const asked = step.kind === 'ask' ? node.ask(step) : undefined;
    if (asked) deserved.set(`${asked.uid} ${keyOf(asked.subject)}`, asked);
    const usable = new Map(node.usable());
    for (const [name, { uid, subject }] of deserved) {
      const own = usable.get(uid);
      if (!own || !mayUse(own, subject)) deserved.delete(name);
    }
  }
  await node.clock.advance(settledMs);
  return { node, deserved: [...deserved.values()] };
}

interface Setting {
  readonly first: State;
  readonly rules: AuthorizeRules;
}
const rules: AuthorizeRules = { ...usual, mode: 'managed', forceNamespaced: true };
const settings: readonly (readonly [string, Setting])[] = [
  ['with the defaults', { first: atHome, rules }],
  ['with identities of other namespaces', { first: shared, rules: { ...rules, forceNamespaced: false } }],
  ['in mode rbac', { first: shared, rules: { ...rules, identityAccess: 'rbac' } }],
];

it.each(settings)(
  '%s: after any history no token or Secret is kept that no pod may use, and none is lost that a pod requested and may still use',
  async (_, setting) => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { minLength: 2, maxLength: 40 }), async (steps) => {
        const { node, deserved } = await live(steps, setting);
        const usable = node.usable().map(([, one]) => one);
        const isUsable = (subject: TokenSubject) => usable.some((one) => mayUse(one, subject));
        const subjects = [...node.subjects.values()];
        for (const subject of subjects.filter((one) => !isUsable(one)))
          expect(node.isKept(subject), keyOf(subject)).toBe(false);
        for (const { subject, again } of deserved) {
          // A token that came after its Secret was forgotten is not kept: a change of the Secret would not be noticed. The next one is.
          if (isPrincipal(subject) && !node.isKept(subject)) {
            void again();
            await node.clock.advance(settledMs);
          }
          expect(node.isKept(subject), keyOf(subject)).toBe(true);
        }
        const needed = new Set(
          subjects
            .filter(isPrincipal)
            .filter(isUsable)
            .map(({ secret }) => secret.namespace),
        );
        for (const namespace of namespaces)
          if (!needed.has(namespace))
            expect(node.secrets.has({ namespace, name: 'credentials' })).toBe(false);
      }),
      { numRuns: 300 },
    );
  },
);
