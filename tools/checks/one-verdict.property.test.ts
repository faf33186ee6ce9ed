// MIC, which attaches, and NMI, which gives tokens, come to the same: of any objects, for any pod and whatever the API server grants.
import {
  accessModes,
  apiVersion,
  matchingRulesIn,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  type AccessTarget,
} from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairRegistry } from '../../packages/mic/src/access/pair-registry.ts';
import { ClusterIndex } from '../../packages/mic/src/snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../../packages/mic/src/snapshot/index/rights.ts';
import { createTrims } from '../../packages/mic/src/snapshot/trims.ts';
import { reportSkip } from '../../packages/mic/src/tell/report.ts';
import { accessModeOf, accessToIdentity } from '../../packages/nmi/src/authorize/access-needed.ts';
import { candidatesOf } from '../../packages/nmi/src/authorize/candidates.ts';
import { explainDenial } from '../../packages/nmi/src/respond/refusal-texts.ts';
import { pod as nmiPod, rules as nmiRules, viewOf } from '../../packages/nmi/test/builders.ts';

const group = '/subscriptions/s1/resourceGroups/Ids';
const resourceID = (name: string) =>
  `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const guid = '33333333-3333-3333-3333-33333333abcd';

const spelled = (text: string) =>
  fc.constantFrom(
    text,
    text,
    text.toUpperCase(),
    `${text}/`,
    ` ${text}`,
    text.replace(/[ek]/, '%65'),
    text.replace('k', '\u212A'),
    text.replace('s', '\u017F'),
  );
const spec = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant(0),
      resourceID: fc.constantFrom('kiosk', 'desk').chain((name) => spelled(resourceID(name))),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom(1, 2),
      clientID: spelled(guid),
      tenantID: fc.constantFrom('skin.example', 'SKIN.example', 'ſkin.example'),
      auxiliaryTenantIDs: fc.subarray(['risk.example', 'a/b']),
      clientPassword: fc.constant({ name: 'password' }),
    }),
  },
);
const namespace = fc.constantFrom('default', 'other');
const name = fc.constantFrom('i0', 'i1', 'i2');
const anyIdentity = fc.record({ namespace, name, spec });
const binding = fc.record({ namespace, name: fc.constantFrom('b0', 'b1', 'b2'), azureIdentity: name });
const keyOf = (object: { namespace: string; name: string }) => `${object.namespace}/${object.name}`;

const world = fc.record({
  identities: fc.uniqueArray(anyIdentity, { selector: keyOf, maxLength: 4 }),
  bindings: fc.uniqueArray(binding, { selector: keyOf, maxLength: 4 }),
  flag: fc.constantFrom(...accessModes),
  annotation: fc.constantFrom(...accessModes, undefined),
  granted: fc.subarray([
    resourceID('kiosk').toLowerCase(),
    group.toLowerCase(),
    '/subscriptions/s1',
    `skin.example/${guid}`,
    'skin.example',
    'risk.example',
  ]),
  forceNamespaced: fc.boolean(),
  // A mirror pod has none.
  serviceAccount: fc.constantFrom('web', 'web', 'web', ''),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

const rawIdentity = ({ namespace: ns, name: called, spec: given }: World['identities'][number]) => ({
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { namespace: ns, name: called },
  spec: given,
});
const rawBinding = ({ namespace: ns, name: called, azureIdentity }: World['bindings'][number]) => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { namespace: ns, name: called },
  spec: { azureIdentity, selector: 'demo' },
});

/** Names of the AzureIdentities, by whoever knows which targets are allowed. */
function byMic({
  identities,
  bindings,
  flag,
  annotation,
  granted,
  forceNamespaced,
  ...pods
}: World): string[] {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 100, recheckMs: 1 });
  const index = new ClusterIndex({ forceNamespaced }, { mode: flag, registry });
  const trims = createTrims();
  const node = trims.node({ metadata: { name: 'node' }, spec: { providerID: 'kind://node' } });
  index.apply({ kind: 'node', key: 'node', view: node });
  const view = { name: 'default', labels: {}, access: annotation };
  index.apply({ kind: 'namespace', key: 'default', view });
  for (const one of identities)
    index.apply({ kind: 'identity', key: keyOf(one), view: trims.identity(rawIdentity(one)) });
  for (const one of bindings)
    index.apply({ kind: 'binding', key: keyOf(one), view: trims.binding(rawBinding(one)) });
  const pod = trims.pod({
    metadata: { namespace: 'default', name: 'web-0', uid: 'u', labels: { aadpodidbinding: 'demo' } },
    spec: { nodeName: 'node', serviceAccountName: pods.serviceAccount },
  });
  index.apply({ kind: 'pod', key: 'default/web-0', view: pod });
  for (let pair = registry.next(0); pair; pair = registry.next(0)) {
    const level = pair.target.names.findIndex((one) => granted.includes(one));
    const answer = level < 0 ? ({ kind: 'refused' } as const) : ({ kind: 'allowed', level } as const);
    index.rightsChanged(registry.record(pair, answer, { now: 1_000, chance: 1 }));
  }
  return index
    .settle()
    .rightsOf('default/web-0')
    .usable.map(({ identityKey }) => identityKey)
    .sort();
}

function byNmi({
  identities,
  bindings,
  flag,
  annotation,
  granted,
  forceNamespaced,
  ...pods
}: World): string[] {
  const valid = <T>(parsed: { ok: true; value: T } | { ok: false }): T[] => (parsed.ok ? [parsed.value] : []);
  const objects = viewOf({
    identities: identities.flatMap((one) => valid(parseAzureIdentity(rawIdentity(one)))),
    bindings: bindings.flatMap((one) => valid(parseAzureIdentityBinding(rawBinding(one)))),
  });
  const view = {
    ...objects.view,
    namespaceOf: (ns: string) =>
      ns === 'default' ? { name: ns, labels: {}, access: annotation } : undefined,
  };
  const rules = { ...nmiRules, identityAccess: flag, forceNamespaced };
  const pod = nmiPod({
    namespace: 'default',
    name: 'web-0',
    serviceAccount: pods.serviceAccount,
    labels: { aadpodidbinding: 'demo' },
  });
  const mode = accessModeOf('default', view, rules);
  const isAllowed = ({ names }: AccessTarget) => names.some((one) => granted.includes(one));
  return candidatesOf(pod, view, matchingRulesIn(mode, rules))
    .candidates.filter((candidate) => {
      const access = accessToIdentity(pod, mode, candidate.identity);
      if (access === undefined) return true;
      if (typeof access === 'string' || access.pairs === 'machine') return false;
      return access.mode === 'warn' || access.pairs.every(({ target }) => isAllowed(target));
    })
    .map((candidate) => candidate.name)
    .sort();
}

test('MIC and NMI give one verdict, whatever objects say and in whatever spelling', () => {
  let allowed = 0;
  let refused = 0;
  fc.assert(
    fc.property(world, (given) => {
      const usable = byMic(given);
      expect(usable).toEqual(byNmi(given));
      if (given.serviceAccount === '') expect(usable).toEqual([]);
      allowed += usable.length;
      refused += given.identities.length - usable.length;
    }),
    { numRuns: 1_500 },
  );
  expect([allowed > 100, refused > 500]).toEqual([true, true]);
});

test('MIC and NMI say in the same words which right is missing', () => {
  const subject = { namespace: 'pay', name: 'web' };
  const targets: AccessTarget[] = [
    { resource: 'applications', names: ['skin.example/a', 'skin.example'] },
    { resource: 'applications', names: ['risk.example/a', 'risk.example'] },
  ];
  const identity = 'pay/reader';
  const pod = createTrims().pod({
    metadata: { namespace: 'pay', name: 'web-0', uid: 'u', labels: { aadpodidbinding: 'demo' } },
    spec: { nodeName: 'node', serviceAccountName: 'web' },
  });
  if (!pod) throw new TypeError('MIC keeps no pod');
  const [event] = reportSkip({ pod, reason: 'access-denied', identity, access: { subject, targets } }).events;
  const response = explainDenial('pay/web-0', { why: 'access-denied', identity, subject, targets });
  expect(response).toBe(`Identity not found. ${event?.message ?? ''}`);
});
