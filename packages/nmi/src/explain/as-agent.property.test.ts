// The explanation and the agent say the same of a request: the status, the first line of the text, and when.
import type { AccessTarget } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  binding,
  clientIdOf,
  exception,
  identity,
  issuedTo,
  openQueue,
  pod as podOf,
  rules as usual,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import { identitiesOf } from '../authorize/authorize.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import { exemptionOf } from '../authorize/exception.ts';
import type { AuthorizeRules } from '../authorize/types.ts';
import { createGranter } from '../handle/grant.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { refusalOf, type Failure } from '../respond/refusals.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { expectedResponse } from './expected-response.ts';

const holdMs = 8_000;
const bindingGraceMs = 60_000;
const now = 1_000_000;
const rules: AuthorizeRules = { ...usual, forceNamespaced: true, identityAccess: 'rbac' };

interface Given {
  readonly world: World;
  readonly pod: PodView;
  readonly selector: Selector;
  /** By name: what the machine has. */
  readonly attached: readonly string[];
  /** By the resource's name; `machine`: the right of the pod's exemption. */
  readonly verdicts: Readonly<Record<string, 'allowed' | 'denied' | 'unanswered'>>;
}

const machine: AccessTarget = { resource: 'machines', names: ['/subscriptions/s1/machine'] };

function reviewedBy({ verdicts }: Given): (access: Access) => AccessResult {
  return ({ pairs }) => {
    const targets = pairs === 'machine' ? [machine] : pairs.map(({ target }) => target);
    const verdict = verdicts[targets[0]?.names[0].split('/').at(-1) ?? ''] ?? 'denied';
    return verdict === 'denied' ? { verdict, targets } : { verdict };
  };
}

/** What the agent answers, and after how long. */
async function askAgent(given: Given): Promise<{ readonly outcome: Outcome; readonly afterMs: number }> {
  const { world, pod, selector } = given;
  const clock = createFakeClock(now);
  const cluster = viewOf(world);
  const review = reviewedBy(given);
  const access: AccessGuard = { now: review, review: (one) => Promise.resolve(review(one)) };
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, rules),
    latest: () => pod,
    changes: cluster.changes,
    clock,
    onWaited: () => undefined,
    bindingGraceMs,
    tokens: createTokenSource({
      upstream: {
        requestToken: ({ subject }) => {
          const clientId =
            subject.kind === 'machine' && subject.by === 'client-id' ? subject.value : clientIdOf('a');
          if (subject.kind === 'machine') return Promise.resolve({ ...issuedTo('any', { now }), clientId });
          return subject.kind === 'identity' && given.attached.includes(subject.name.split('/')[1] ?? '')
            ? Promise.resolve({ ...issuedTo('any', { now }), clientId: subject.clientId || undefined })
            : Promise.reject(new TokenError('not-on-host', 'not attached'));
        },
      },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    access,
    limits: createCallerLimits({
      waiting: { total: 10, perNamespace: 10, perPod: 10 },
      upstreamBurst: 100,
      upstreamPerSecond: 100,
    }),
  });
  const request = { resource: 'https://vault.azure.net', selector, bypassCache: false };
  const patience = { deadline: clock.elapsed() + holdMs, caller: { gone: new AbortController().signal } };
  let end: { readonly outcome: Outcome; readonly afterMs: number } | undefined;
  void Promise.resolve(granter.grant({ pod, request, patience })).then((outcome) => {
    end = { outcome, afterMs: clock.now() - now };
  });
  await clock.advance(0);
  await clock.advance(holdMs);
  if (end === undefined) throw new Error('the caller was not answered within its hold');
  return end;
}

function explain(given: Given) {
  const { world, pod, selector } = given;
  const { view } = viewOf(world);
  const review = reviewedBy(given);
  const exemption = exemptionOf(pod, view, rules);
  const needs = [...identitiesOf(pod, view, rules), ...(exemption ? [{ name: '', ...exemption }] : [])];
  const reviewed = new Map(
    needs.flatMap(({ name, access }) => (access ? [[name, review(access)] as const] : [])),
  );
  const about = { pod, neighbours: [pod], view, rules, reviewed, now, attached: () => [] };
  return expectedResponse(selector, { ...about, holdMs, bindingGraceMs, notAssignedStatus: 503 }, undefined);
}

async function agree(given: Given) {
  const { outcome, afterMs } = await askAgent(given);
  const { status, text, afterMs: explainedMs = 0 } = explain(given);
  const isUnattached = outcome.kind === 'not-assigned' && outcome.seen === 'unattached';
  if (outcome.kind === 'token' || isUnattached) {
    const told =
      outcome.identity === ''
        ? 'what the metadata service of the machine answers'
        : `a token of AzureIdentity ${outcome.identity}, if the machine has it and Azure gives one`;
    expect([status, text]).toEqual([200, told]);
    if (isUnattached) expect(afterMs).toBe(holdMs);
    return;
  }
  const refusal = refusalOf(outcome as Failure, 503);
  expect({ status, text, afterMs: explainedMs }).toEqual({
    status: refusal.status,
    text: refusal.description.split('\n', 1)[0],
    afterMs,
  });
}

const names = ['a', 'b', 'c', 'd'];
const offering = ['data', 'tools'];
const aName = fc.constantFrom(...names);
const open = { allowedNamespaces: { names: ['default'] } };
const anIdentity = fc
  .record({ name: aName, namespace: fc.constantFrom('default', ...offering), client: fc.option(aName) })
  .map(({ name, namespace, client }) =>
    identity({
      name,
      namespace,
      clientID: client === null ? undefined : clientIdOf(client),
      spec: namespace === 'default' ? {} : open,
    }),
  );
const aWorld = fc
  .record({
    identities: fc.uniqueArray(anIdentity, {
      maxLength: 6,
      selector: ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`,
    }),
    unbound: fc.nat(6),
    defaultOne: fc.nat(12),
    exceptions: fc.constantFrom<World['exceptions']>(
      [],
      [],
      [exception({ aadpodidbinding: 'demo' })],
      [exception({ aadpodidbinding: 'demo' }, 'default', [clientIdOf('a')])],
    ),
    invalidExceptions: fc.constantFrom<World['invalidExceptions']>(
      [],
      [{ namespace: 'default', name: 'broken', fault: 'spec.clientIDs must be a list of strings' }],
    ),
  })
  .map(({ identities, unbound, defaultOne, exceptions = [], invalidExceptions = [] }): World => ({
    exceptions,
    invalidExceptions,
    identities,
    bindings: identities.flatMap(({ metadata: { name, namespace = '' } }, index) =>
      index === unbound ? [] : [binding(name, { namespace, isDefault: index === defaultOne })],
    ),
    namespaces: [
      {
        name: 'default',
        labels: Object.fromEntries(
          offering.map((name) => [`identities-from.aadpodidentity.k8s.io/${name}`, 'true']),
        ),
        access: undefined,
      },
    ],
  }));
const aPod = fc
  .record({
    labels: fc.constantFrom<Record<string, string>>(
      { aadpodidbinding: 'demo' },
      {},
      { aadpodidbinding: 'x' },
    ),
    ageMs: fc.constantFrom(1_000, 55_000, 3_600_000),
    defaultIdentity: fc.option(aName, { freq: 4 }),
  })
  .map(({ labels, ageMs, defaultIdentity }) =>
    podOf({
      labels,
      acceptedAt: now - ageMs,
      ...(defaultIdentity !== null && { defaultIdentity }),
    }),
  );
const aSelector = fc.oneof(
  fc.constant<Selector>({ by: 'nothing' }),
  aName.map((of): Selector => ({ by: 'client-id', value: clientIdOf(of) })),
);
const verdict = fc.constantFrom(
  'allowed' as const,
  'denied' as const,
  'denied' as const,
  'unanswered' as const,
);

it('in random clusters with rights, exceptions, offers of other namespaces and young pods', async () => {
  const given = fc.record({
    world: aWorld,
    pod: aPod,
    selector: aSelector,
    attached: fc.array(aName, { maxLength: 4 }),
    verdicts: fc.record(Object.fromEntries([...names, 'machine'].map((name) => [name, verdict]))),
  });
  await fc.assert(fc.asyncProperty(given, agree), { numRuns: 400 });
});

it('of a young pod that was refused all that other namespaces offer it: it may ask again', async () => {
  const offers = ['data', 'tools'].map((namespace) => identity({ name: 'a', namespace, spec: open }));
  const world: World = {
    identities: offers,
    bindings: offering.map((namespace) => binding('a', { namespace })),
    namespaces: [
      {
        name: 'default',
        labels: Object.fromEntries(
          offering.map((name) => [`identities-from.aadpodidentity.k8s.io/${name}`, 'true']),
        ),
        access: undefined,
      },
    ],
  };
  for (const ageMs of [1_000, 55_000, 3_600_000]) {
    const given: Given = {
      world,
      pod: podOf({ acceptedAt: now - ageMs }),
      selector: { by: 'nothing' },
      attached: [],
      verdicts: { a: 'denied' },
    };
    await agree(given);
    expect(explain(given).status).toBe(ageMs === 1_000 ? 503 : 400);
    expect(explain(given).text).toContain('may not use AzureIdentity data/a');
  }
});
