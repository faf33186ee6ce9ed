import fc from 'fast-check';
import { expect, it } from 'vitest';
import { authorize, rules, viewOf } from '../../test/builders.ts';
import { aPod, aSelector, aWorld } from '../../test/random-worlds.ts';
import { identitiesOf } from './authorize.ts';
import { createAuthorizer } from './authorizer.ts';
import type { Decision, GrantedIdentity } from './types.ts';

const question = {
  world: aWorld,
  pod: aPod,
  selector: aSelector,
  forceNamespaced: fc.boolean(),
  mode: fc.constantFrom('standard', 'managed' as const),
};

const resourceOf = (granted: GrantedIdentity | undefined) =>
  granted?.kind === 'identity' ? granted.resourceId : undefined;

const granted = (decision: Decision): readonly GrantedIdentity[] => {
  if (decision.kind === 'allow') return [decision.identity];
  return decision.kind === 'allow-by-object-id' ? decision.identities : [];
};

it('never grants an identity that no binding of the label leads to, in no mode and by no selector', () => {
  fc.assert(
    fc.property(fc.record(question), (given) => {
      const decision = authorize(given, viewOf(given.world).view, { ...rules, ...given });
      for (const each of granted(decision)) {
        const { name: full } = each;
        const label = given.pod.labels['aadpodidbinding'];
        const leads = given.world.bindings.some(
          ({ metadata, spec }) =>
            label !== undefined &&
            label !== '' &&
            spec.selector === label &&
            `${metadata.namespace ?? ''}/${spec.azureIdentity}` === full,
        );
        const found = given.world.identities.find(
          ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` === full,
        );
        const isNamespaced = given.forceNamespaced || found?.metadata.annotations !== undefined;
        expect(leads).toBe(true);
        if (found?.spec.type === 0) expect(found.spec.resourceID?.toLowerCase()).toBe(resourceOf(each));
        if (isNamespaced) expect(found?.metadata.namespace).toBe(given.pod.namespace);
      }
    }),
    { numRuns: 2000 },
  );
});

it('grants a pod without a ServiceAccount nothing, in no mode, by no binding and no exception', () => {
  fc.assert(
    fc.property(
      fc.record({ ...question, identityAccess: fc.constantFrom('namespace', 'warn', 'rbac' as const) }),
      ({ pod, ...given }) => {
        const caller = { ...pod, serviceAccount: '' };
        const { view } = viewOf(given.world);
        expect(authorize({ ...given, pod: caller }, view, { ...rules, ...given })).toEqual({
          kind: 'deny',
          denial: { why: 'no-account' },
        });
        expect(identitiesOf(caller, view, { ...rules, ...given })).toEqual([]);
      },
    ),
    { numRuns: 2000 },
  );
});

it('grants nothing else than the selector names', () => {
  fc.assert(
    fc.property(fc.record(question), (given) => {
      const all = { ...rules, ...given };
      const decision = authorize(given, viewOf(given.world).view, all);
      const [identityGranted] = granted(decision);
      if (decision.kind === 'allow' && given.selector.by === 'client-id')
        expect(identityGranted?.clientId).toBe(given.selector.value);
      if (decision.kind === 'allow' && given.selector.by === 'resource-id')
        expect(resourceOf(identityGranted)).toBe(given.selector.value);
    }),
    { numRuns: 2000 },
  );
});

it('the order of objects changes nothing', () => {
  fc.assert(
    fc.property(fc.record(question), (given) => {
      const reversed = Object.fromEntries(
        Object.entries(given.world).map(([key, list]) => [key, list.toReversed()]),
      );
      const decide = (world: object) => authorize(given, viewOf(world).view, { ...rules, ...given });
      expect(decide(reversed)).toEqual(decide(given.world));
    }),
    { numRuns: 1000 },
  );
});

it('what is remembered is what would be decided now, however the world changes', () => {
  fc.assert(
    fc.property(
      fc.array(aWorld, { minLength: 1, maxLength: 5 }),
      aPod,
      fc.array(aSelector, { minLength: 1, maxLength: 40 }),
      (worlds, caller, selectors) => {
        const stage = viewOf();
        const authorizer = createAuthorizer(stage.view, rules);
        for (const world of worlds) {
          stage.change(world);
          for (const selector of [...selectors, ...selectors]) {
            expect(authorizer.decide(caller, selector)).toEqual(
              authorize({ pod: caller, selector }, stage.view, rules),
            );
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
