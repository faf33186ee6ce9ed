// Random histories of pods, objects, rights and Secrets, during which pods request tokens that take a while to come.
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  authorize,
  binding,
  exception,
  identity,
  openQueue,
  patient,
  pod as podOf,
  resourceIdOf,
  rules as usual,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { AuthorizeRules } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import { keyOf } from '../tokens/memory.ts';
import { createPrincipalSource } from '../tokens/principal/principal-source.ts';
import { createTokenSource, type TokenOrigin } from '../tokens/source.ts';
import type { IssuedToken, ServicePrincipal, TokenSubject, WantedToken } from '../tokens/types.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';
import { permitsOf, type Permit } from './permit.ts';

const namespaces = ['bank', 'data', 'shop'] as const;
const names = ['a', 'b'] as const;
type Kind = 'identities' | 'bindings' | 'exceptions' | 'namespaces';
type Shape = { readonly [K in Kind]: ReadonlyMap<string, NonNullable<World[K]>[number]> };
interface State extends Shape {
  readonly pods: ReadonlyMap<string, PodView>;
  /** Namespaces whose ServiceAccounts may use everything. */
  readonly allowed: ReadonlySet<string>;
  /** By namespace: the version of its Secret; absent: there is none, or NMI may not read it. */
  readonly secrets: ReadonlyMap<string, string>;
}
interface Asking {
  readonly kind: 'ask';
  readonly pod: string;
  readonly selector: Selector;
  readonly bypassCache: boolean;
  readonly takesMs: number;
}
type Step =
  | { readonly kind: 'become'; readonly change: (state: State) => State }
  | { readonly kind: 'pass'; readonly ms: number }
  | Asking;

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
const aClientId = fc.constantFrom(undefined, 'id-1', 'id-2');
const anIdentity = fc
  .record({
    namespace: aNamespace,
    name: aName,
    is: fc.constantFrom('absent', 'a', 'b', 'open', 'principal', 'other-principal'),
    clientID: aClientId,
  })
  .map(({ namespace, name, is, clientID }) => {
    const isPrincipal = is.endsWith('principal');
    const value = identity({
      name,
      namespace,
      type: isPrincipal ? 1 : 0,
      resourceID: resourceIdOf(is),
      clientID: isPrincipal ? `c-${is}` : clientID,
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
        : exception({ aadpodidbinding: 'x' }, namespace, is === 'one' ? ['id-1'] : undefined),
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
const aRight = aNamespace.map((name) => (state: State): State => {
  const allowed = new Set(state.allowed);
  if (!allowed.delete(name)) allowed.add(name);
  return { ...state, allowed };
});
let version = 0;
const aSecret = fc
  .record({ namespace: aNamespace, isThere: fc.boolean() })
  .map(({ namespace, isThere }) => (state: State): State => ({
    ...state,
    secrets: set(state.secrets, namespace, isThere ? `v${(version += 1)}` : undefined),
  }));
/** `again`: another pod of this name, which may have its address as well. */
const aPod = fc
  .record({
    namespace: aNamespace,
    name: aName,
    is: fc.constantFrom('gone', 'x', 'x', 'y', 'again', 'Succeeded'),
  })
  .map(({ namespace, name, is }) => (state: State): State => {
    const key = `${namespace}/${name}`;
    const before = state.pods.get(key)?.uid ?? key;
    const view = podOf({
      uid: is === 'again' ? `${before}'` : before,
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
  { by: 'client-id', value: 'id-1' },
  { by: 'object-id', value: 'o-a' },
  { by: 'resource-id', value: resourceIdOf('a').toLowerCase() },
  { by: 'resource-id', value: resourceIdOf('open').toLowerCase() },
  { by: 'client-id', value: 'c-principal' },
);
const anAsk = fc
  .record({
    namespace: aNamespace,
    name: aName,
    selector: aSelector,
    bypassCache: fc.boolean(),
    takesMs: fc.oneof(fc.constant(0), fc.nat(12_000)),
  })
  .map(({ namespace, name, ...rest }): Step => ({ kind: 'ask', pod: `${namespace}/${name}`, ...rest }));
const aPause = fc.oneof(fc.nat(600), fc.nat(12_000), fc.nat(20_000_000));
const aStep: fc.Arbitrary<Step> = fc.oneof(
  become(anIdentity),
  become(aBinding),
  become(fc.oneof(anException, aNamespaceView, aRight)),
  become(aSecret),
  become(aPod),
  { arbitrary: anAsk, weight: 4 },
  aPause.map((ms): Step => ({ kind: 'pass', ms })),
);

const worldOf = (state: State): World => ({
  identities: [...state.identities.values()],
  bindings: [...state.bindings.values()],
  exceptions: [...state.exceptions.values()],
  namespaces: [...state.namespaces.values()],
});

/** A token from memory is given out only if its Secret was looked at in this time. */
const lookedMs = 5 * 60_000;
/** What the look and the token take. */
const usedMs = 2 * 60_000;

interface Setting {
  readonly first: State;
  readonly rules: AuthorizeRules;
}

function startNode({ first, rules }: Setting) {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(worldOf(first));
  const now = { state: first, takesMs: 0 };
  /** When the versions of Secrets ended. */
  const endedAt = new Map<string, number>();
  const mayUse = ({ subject }: Access) => now.state.allowed.has(subject.namespace);
  const answer = (needed: Access): AccessResult =>
    mayUse(needed) ? { verdict: 'allowed' } : { verdict: 'denied', targets: [] };
  const access: AccessGuard = {
    now: answer,
    review: async (one) => {
      await clock.sleep(now.takesMs / 4);
      return answer(one);
    },
  };
  const secretOf = (namespace: string) => {
    const found = now.state.secrets.get(namespace);
    if (found === undefined) throw new TokenError('misconfigured', 'no Secret');
    return found;
  };
  const principals = createPrincipalSource({
    secretReader: {
      read: ({ namespace }) =>
        Promise.resolve().then(() => {
          const found = secretOf(namespace);
          return { version: found, stored: { kind: 'secret', value: found } };
        }),
    },
    entra: {
      requestToken: async ({ proof }) => {
        await clock.sleep(now.takesMs);
        const token = proof.kind === 'secret' ? proof.value : '';
        return { token, expiresOnTimestamp: clock.now() + 86_400_000, tokenType: 'Bearer', resource: 'r' };
      },
    },
    certificates: { read: () => Promise.resolve('no certificate') },
    turns: openQueue,
    clock,
    onSecretChanged: ({ namespace }) =>
      tokens.prune((one) => one.kind !== 'service-principal' || one.secret.namespace !== namespace),
    onRequested: () => undefined,
  });
  const isPrincipal = (wanted: WantedToken): wanted is WantedToken<ServicePrincipal> =>
    wanted.subject.kind === 'service-principal';
  const requestToken = async (wanted: WantedToken): Promise<IssuedToken> => {
    if (isPrincipal(wanted)) return principals.requestToken(wanted);
    await clock.sleep(now.takesMs);
    return tokenOf(wanted.subject, clock.now());
  };
  const tokens = createTokenSource({
    upstream: { requestToken },
    clock,
    random: () => 0,
    queueFor: () => openQueue,
    look: (one) => (one.kind === 'service-principal' ? principals.look(one) : undefined),
  });
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, rules),
    latest: ({ key }) => now.state.pods.get(key),
    changes: cluster.changes,
    tokens,
    limits: createCallerLimits({
      waiting: { total: 1_000, perNamespace: 1_000, perPod: 1_000 },
      upstreamBurst: 1_000,
      upstreamPerSecond: 1_000,
    }),
    access,
    clock,
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });

  const wrongSecret = (token: string, from: TokenOrigin): string | undefined => {
    const ageMs = clock.now() - (endedAt.get(token) ?? Infinity);
    const longestMs = from === 'hit' ? lookedMs + usedMs : usedMs;
    return ageMs > longestMs ? `its Secret ended ${ageMs} ms ago` : undefined;
  };
  const wrongRight = (
    { clientId = '' }: IssuedToken,
    { access: needed, clientIds }: Permit,
  ): string | undefined => {
    if (needed && !mayUse(needed)) return 'the ServiceAccount has no right';
    return clientIds?.has(clientId) === false ? 'the exception is for others' : undefined;
  };
  /** What is wrong with a token that leaves now. */
  const wrongWith = (outcome: Outcome, { selector }: Asking): string | undefined => {
    if (outcome.kind !== 'token') return undefined;
    const { issued, from, uid } = outcome;
    const pod = now.state.pods.get(outcome.pod);
    if (pod?.uid !== uid || pod.phase !== 'Running') return 'the pod is gone';
    const decision = authorize({ pod, selector }, cluster.view, rules);
    const fit = permitsOf(decision).find(({ subject }) => isOf(issued, subject));
    if (!fit) return `a token of ${String(issued.objectId)}, but the decision is ${decision.kind}`;
    return wrongRight(issued, fit) ?? wrongSecret(issued.access.token, from);
  };
  return {
    clock,
    now,
    granter,
    wrongWith,
    become(next: State) {
      for (const [namespace, version] of now.state.secrets)
        if (next.secrets.get(namespace) !== version) endedAt.set(version, clock.now());
      now.state = next;
      cluster.change(worldOf(next));
    },
  };
}

/** A managed identity has one client id; the machine returns that of `a` whatever it is asked for. */
function tokenOf(subject: TokenSubject, now: number): IssuedToken {
  const name = subject.kind === 'identity' ? (subject.resourceId.split('/').at(-1) ?? '') : 'a';
  return {
    access: {
      token: keyOf(subject),
      expiresOnTimestamp: now + 86_400_000,
      tokenType: 'Bearer',
      resource: 'r',
    },
    clientId: name === 'a' ? 'id-1' : 'id-2',
    objectId: `o-${name}`,
  };
}

/** Whether the token is one of the identity, as it is now. */
function isOf({ access, clientId }: IssuedToken, subject: TokenSubject): boolean {
  if (subject.kind === 'service-principal') return clientId === subject.clientId;
  const isStated = subject.kind === 'identity' && subject.clientId !== '';
  return access.token === keyOf(subject) && (!isStated || clientId === subject.clientId);
}

const keyed = <V extends { readonly metadata: { readonly name: string; readonly namespace?: string } }>(
  ...all: readonly V[]
) => new Map(all.map((one) => [`${one.metadata.namespace ?? ''}/${one.metadata.name}`, one]));
const pods: State['pods'] = new Map(
  namespaces.flatMap((namespace) =>
    names.map((name) => {
      const key = `${namespace}/${name}`;
      const labels = { aadpodidbinding: name === 'a' ? 'x' : 'y' };
      return [key, podOf({ uid: key, name, namespace, labels })];
    }),
  ),
);
const secrets: State['secrets'] = new Map(namespaces.map((name) => [name, `first of ${name}`]));
/** A managed identity in bank, an application in shop, and pods in data that are exempt. */
const atHome: State = {
  pods,
  allowed: new Set(['bank', 'shop']),
  secrets,
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
  ...atHome,
  allowed: new Set(namespaces),
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

async function live(steps: readonly Step[], setting: Setting) {
  const node = startNode(setting);
  const { clock, now } = node;
  const wrong: string[] = [];
  const count = { asked: 0, ended: 0, tokens: 0 };
  for (const step of steps) {
    if (step.kind === 'pass') await clock.advance(step.ms);
    else if (step.kind === 'become') node.become(step.change(now.state));
    else {
      const pod = now.state.pods.get(step.pod);
      if (pod?.phase !== 'Running') continue;
      now.takesMs = step.takesMs;
      count.asked += 1;
      const { selector, bypassCache } = step;
      const request = { resource: 'r', selector, bypassCache, passThrough: {} };
      const patience = { deadline: clock.elapsed() + 25_000, caller: patient.caller };
      const end = (outcome: Outcome) => {
        count.ended += 1;
        if (outcome.kind === 'token') count.tokens += 1;
        const fault = node.wrongWith(outcome, step);
        if (fault !== undefined) wrong.push(fault);
      };
      const granted = node.granter.grant({ pod, request, patience });
      // In the same turn of the event loop, as the server does.
      if (granted instanceof Promise) void granted.then(end);
      else end(granted);
      await clock.advance(0);
    }
  }
  await clock.advance(300_000);
  return { wrong, count };
}

const rules: AuthorizeRules = { ...usual, forceNamespaced: true };
const settings: readonly (readonly [string, Setting])[] = [
  ['with the defaults', { first: atHome, rules }],
  ['with identities of other namespaces', { first: shared, rules: { ...rules, forceNamespaced: false } }],
  ['in mode rbac', { first: shared, rules: { ...rules, identityAccess: 'rbac' } }],
];

it.each(settings)(
  '%s: in no history a token leaves that the pod may not use at that moment',
  async (_, setting) => {
    let tokens = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { minLength: 2, maxLength: 40 }), async (steps) => {
        const { wrong, count } = await live(steps, setting);
        expect(wrong).toEqual([]);
        expect(count.ended).toBe(count.asked);
        tokens += count.tokens;
      }),
      { numRuns: 300 },
    );
    expect(tokens).toBeGreaterThan(100);
  },
);
