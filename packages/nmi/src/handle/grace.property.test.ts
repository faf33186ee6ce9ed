// The time that a young pod has for objects that come after it, in random clusters that change while it waits.
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { askNobody, issuedTo, openQueue, rules, viewOf, type World } from '../../test/builders.ts';
import { aPod, aSelector, aWorld } from '../../test/random-worlds.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import { longestForMissingMs } from '../authorize/grace.ts';
import type { AuthorizeRules, Decision } from '../authorize/types.ts';
import { createGranter } from './grant.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import type { Selector } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { createTokenSource } from '../tokens/source.ts';

const graceMs = 60_000;
const holdMs = 25_000;

interface Given {
  readonly worlds: readonly World[];
  readonly pod: PodView;
  readonly selector: Selector;
  readonly rules: AuthorizeRules;
  readonly bindingGraceMs: number;
}

interface End {
  readonly outcome: Outcome;
  readonly atMs: number;
  /** What was decided of the last cluster that the caller saw. */
  readonly decision: Decision;
}

/** One call; the cluster becomes the next of the worlds every four seconds. Whatever is asked of Azure it gives. */
async function play({ worlds: [first = {}, ...others], pod, selector, ...given }: Given): Promise<End> {
  const clock = createFakeClock(graceMs);
  const cluster = viewOf(first);
  const authorizer = createAuthorizer(cluster.view, given.rules);
  const granter = createGranter({
    authorizer,
    latest: () => pod,
    changes: cluster.changes,
    clock,
    onWaited: () => undefined,
    bindingGraceMs: given.bindingGraceMs,
    tokens: createTokenSource({
      upstream: {
        requestToken: ({ subject }) =>
          Promise.resolve({
            ...issuedTo('any', { now: clock.now() }),
            clientId: subject.kind === 'identity' && subject.clientId !== '' ? subject.clientId : undefined,
          }),
      },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    access: askNobody,
    limits: createCallerLimits({
      waiting: { total: 10, perNamespace: 10, perPod: 10 },
      upstreamBurst: 100,
      upstreamPerSecond: 100,
    }),
  });
  const request = { resource: 'https://vault.azure.net', selector, bypassCache: false };
  const patience = { deadline: clock.elapsed() + holdMs, caller: { gone: new AbortController().signal } };
  let end: End | undefined;
  void Promise.resolve(granter.grant({ pod, request, patience })).then((outcome) => {
    end = { outcome, atMs: clock.now() - graceMs, decision: authorizer.decide(pod, selector) };
  });
  await clock.advance(0);
  for (const world of others) {
    await clock.advance(4_000);
    if (end === undefined) cluster.change(world);
    await clock.advance(0);
  }
  await clock.advance(holdMs);
  if (end === undefined) throw new Error('the caller was not answered within its hold');
  return end;
}

const given = {
  worlds: fc.array(aWorld, { minLength: 1, maxLength: 5 }),
  pod: aPod,
  selector: aSelector,
  rules: fc.boolean().map((forceNamespaced): AuthorizeRules => ({ ...rules, forceNamespaced })),
};
/** The AzureIdentities whose tokens the decision leaves open; '' is the machine's own choice. */
function givenBy(decision: Decision): readonly string[] {
  switch (decision.kind) {
    case 'allow':
      return [decision.identity.name];
    case 'allow-by-object-id':
      return decision.identities.map(({ name }) => name);
    case 'machine':
      return [''];
    case 'deny':
    case 'unusable':
      return [];
  }
}
const labelOf = ({ labels }: PodView) => labels['aadpodidbinding'] ?? '';

it('nothing changes for pods without the label, pods whose start nobody has told and pods that are older than the grace', async () => {
  // The last one is far ahead of a clock that was set back.
  const start = fc.constantFrom(undefined, 0, -graceMs, 10 * graceMs);
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ...given, start, young: fc.boolean() }),
      async ({ start, young, ...one }) => {
        const isYoung = young && labelOf(one.pod) === '';
        const acceptedAt = isYoung ? graceMs : start;
        const pod = { ...one.pod, ...(acceptedAt !== undefined && { acceptedAt }) };
        const before = await play({ ...one, pod, bindingGraceMs: 0 });
        expect(await play({ ...one, pod, bindingGraceMs: graceMs })).toEqual(before);
      },
    ),
    { numRuns: 200 },
  );
});

it('a young pod gets no token but of what it may act as when it is given, and is refused nothing that may not still come', async () => {
  const ages = fc.nat(graceMs - 1);
  await fc.assert(
    fc.asyncProperty(fc.record({ ...given, age: ages }), async ({ age, ...one }) => {
      const pod = { ...one.pod, acceptedAt: graceMs - age };
      const { outcome, atMs, decision } = await play({ ...one, pod, bindingGraceMs: graceMs });
      if (outcome.kind === 'token') expect(givenBy(decision)).toContain(outcome.identity);
      const isAwaited = decision.kind === 'deny' && decision.mayCome === true;
      if (outcome.kind === 'denied' && isAwaited) expect(age + atMs).toBeGreaterThanOrEqual(graceMs);
      if (outcome.kind === 'not-assigned' && outcome.seen === 'unbound') {
        expect(isAwaited).toBe(true);
        expect(labelOf(pod)).not.toBe('');
        // Or at a later change: what was there until then has gone.
        expect([longestForMissingMs, 8_000, 12_000, 16_000]).toContain(atMs);
      }
    }),
    { numRuns: 200 },
  );
});
