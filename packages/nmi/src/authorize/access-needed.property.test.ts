// The reviewed names are those that Azure is asked for, however an AzureIdentity spells them. MIC, which uses the same function of
// crd-types, reviews the same names.
import { accessTargetsOf, apiVersion, parseAzureIdentity, type AzureIdentity } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { authorize, binding, pod, resourceIdOf, rules, viewOf } from '../../test/builders.ts';
import type { Decision, GrantedIdentity } from './types.ts';

const id = resourceIdOf('kiosk');
const guid = '33333333-3333-3333-3333-33333333abcd';
/** Mostly none, so that a useful share of the objects is valid. */
const seldom = (...texts: readonly string[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(...texts) });
/** Spellings that a reader may take for the same text. */
const spelled = (text: string) =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }),
      seldom('/', '//', ' ', '%20', '?', '#', '/..'),
      seldom('\u212A', '\u017F', '\u0131', '\uFF4B', '%6B', 'K'),
    )
    .map(([upper, end, letter]) => {
      const cased = Array.from(text, (one, index) => (upper[index] ? one.toUpperCase() : one)).join('');
      return (letter === '' ? cased : cased.replace(/[ksi]/i, letter)) + end;
    });
const spec = fc.oneof(
  fc.record({
    type: fc.constant(0),
    resourceID: spelled(id),
    clientID: fc.oneof(spelled(guid), fc.constant('')),
  }),
  fc.record({
    type: fc.constantFrom(1, 2),
    clientID: spelled(guid),
    tenantID: fc.oneof(spelled(guid), spelled('skin.example')),
    auxiliaryTenantIDs: fc.array(fc.oneof(spelled('risk.example'), spelled('kin.example')), { maxLength: 4 }),
    clientPassword: fc.constant({ name: 'password' }),
  }),
  fc.record({
    type: fc.constant(3),
    clientID: spelled(guid),
    tenantID: fc.oneof(spelled(guid), spelled('skin.example')),
  }),
);

const decide = (identity: AzureIdentity): Decision => {
  const { view } = viewOf({ identities: [identity], bindings: [binding('evil')] });
  const all = { ...rules, identityAccess: 'rbac' as const, hasBroker: true };
  return authorize({ pod: pod(), selector: { by: 'nothing' } }, view, all);
};

/** The ids in requests to Azure. */
const sent = (identity: GrantedIdentity): readonly string[] => {
  if (identity.kind === 'identity') return [identity.resourceId];
  const others = identity.kind === 'federated' ? [] : identity.auxiliaryTenantIds;
  return [identity.tenantId, ...others].map((tenant) => `${tenant}/${identity.clientId}`);
};

it('reviews exactly what Azure is asked for, in ASCII and lower case, or serves nothing', () => {
  let served = 0;
  fc.assert(
    fc.property(spec, (given) => {
      const metadata = { name: 'evil', namespace: 'default' };
      const parsed = parseAzureIdentity({ apiVersion, kind: 'AzureIdentity', metadata, spec: given });
      if (!parsed.ok) return;
      const decision = decide(parsed.value);
      const targets = accessTargetsOf(parsed.value);
      if (decision.kind !== 'allow') return;
      served += 1;
      const { access } = decision.identity;
      if (!access || access.pairs === 'machine') throw new Error('no right is asked for');
      const reviewed = access.pairs.map(({ target: { names } }) => names[0]);
      expect(new Set(sent(decision.identity))).toEqual(new Set(reviewed));
      for (const name of reviewed) expect(name).toMatch(/^[\x21-\x7e]+$/);
      expect(reviewed).toEqual(reviewed.map((name) => name.toLowerCase()));
      expect(targets.ok && targets.value).toEqual(access.pairs.map(({ target }) => target));
      expect(access.subject).toEqual({ namespace: 'default', name: 'default' });
    }),
    { numRuns: 1_000 },
  );
  expect(served).toBeGreaterThan(50);
});
