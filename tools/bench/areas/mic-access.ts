// How many reviews of rights a MIC asks for in a cluster that is at rest, in mode `rbac`: its index, its book of pairs and its loop
// on a clock of their own, and an API server that is a function. The figure is the load on the API server, so the aim of 60 is an upper
// limit: each of the 15,000 pairs must be asked again within five minutes, which takes at least 50 a second. They are asked after 4 to 5
// minutes, 4.5 on average, so that pairs that were asked together do not stay together: 15,000 in 270 s are 55.6.
import type { AccessReviewRequest, AccessReviewer } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { reviewPairs } from '../../../packages/mic/src/access/pair-reviewer.ts';
import { PairRegistry } from '../../../packages/mic/src/access/pair-registry.ts';
import { ClusterIndex } from '../../../packages/mic/src/snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../../../packages/mic/src/snapshot/index/rights.ts';
import { createTrims } from '../../../packages/mic/src/snapshot/trims.ts';
import { rounded, type Figures } from '../report.ts';

export interface AccessSizes {
  readonly pods: number;
  readonly identities: number;
}

const namespaces = 50;
/** That share an identity. */
const accountsPerIdentity = 3;
const recheckMs = 300_000;
const warmUpMs = 4 * recheckMs;
const measuredMs = 4 * recheckMs;
const apiVersion = 'aadpodidentity.k8s.io/v1';
const group = '/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/identities';
const resourceID = (name: string) =>
  `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

export async function accessFigures(say: (text: string) => void, sizes: AccessSizes): Promise<Figures> {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 10_000, recheckMs });
  const index = indexOf(sizes, registry);
  const clock = createFakeClock();
  const ending = new AbortController();
  let reviews = 0;
  const reviewer: AccessReviewer = {
    review: (question) => {
      reviews += 1;
      return Promise.resolve(isGranted(question));
    },
  };
  const asking = reviewPairs<AccessGroup>({
    registry,
    reviewer,
    term: { signal: ending.signal, holds: () => true },
    clock,
    random: createRandom(),
    log: silent,
    proven: () => Promise.resolve(),
    onReview: () => undefined,
    onChanged: (groups) => index.rightsChanged(groups),
  });
  await clock.advance(warmUpMs);
  const { allowed, denied, unknown } = registry.census();
  if (denied + unknown > 0) throw new Error(`${denied + unknown} pairs are not allowed`);
  const before = reviews;
  await clock.advance(measuredMs);
  const perSecond = ((reviews - before) / measuredMs) * 1_000;
  ending.abort();
  await asking;
  say(`${allowed} pairs of ${sizes.pods} pods: ${rounded(perSecond)} reviews a second`);
  return [
    {
      name: 'reviewsPerSecond',
      value: rounded(perSecond),
      what: `reviews of rights a second, all granted, at rest: ${sizes.pods.toLocaleString('en')} pods, ${sizes.identities.toLocaleString('en')} identities, ${accountsPerIdentity} ServiceAccounts for each (aim: at most 60)`,
    },
  ];
}

/** Two of three pairs have a right on the identity itself, the others on its resource group. */
function isGranted({ subject, name }: AccessReviewRequest): boolean {
  return subject.user.endsWith('-0')
    ? name.toLowerCase() === group.toLowerCase()
    : name.includes('/providers/');
}

function indexOf({ pods, identities }: AccessSizes, registry: PairRegistry<AccessGroup>): ClusterIndex {
  const trims = createTrims();
  const index = new ClusterIndex({ forceNamespaced: true }, { mode: 'rbac', registry });
  const providerID = `azure://${group}/providers/Microsoft.Compute/virtualMachineScaleSets/set/virtualMachines/0`;
  index.apply({
    kind: 'node',
    key: 'node',
    view: trims.node({ metadata: { name: 'node' }, spec: { providerID } }),
  });
  for (let number = 0; number < identities; number += 1) {
    const [name, namespace] = [`id-${number}`, `ns-${number % namespaces}`];
    const [metadata, key] = [{ name, namespace }, `${namespace}/${name}`];
    const spec = { type: 0, resourceID: resourceID(name) };
    const bindingSpec = { azureIdentity: name, selector: name };
    const identity = trims.identity({ apiVersion, kind: 'AzureIdentity', metadata, spec });
    const binding = trims.binding({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec: bindingSpec });
    index.apply({ kind: 'identity', key, view: identity });
    index.apply({ kind: 'binding', key, view: binding });
  }
  for (let number = 0; number < pods; number += 1) {
    const identity = number % identities;
    const account = Math.floor(number / identities) % accountsPerIdentity;
    const [name, namespace] = [`pod-${number}`, `ns-${identity % namespaces}`];
    const view = trims.pod({
      metadata: { name, namespace, uid: name, labels: { aadpodidbinding: `id-${identity}` } },
      spec: { nodeName: 'node', serviceAccountName: `sa-${identity}-${account}` },
      status: { phase: 'Running' },
    });
    index.apply({ kind: 'pod', key: `${namespace}/${name}`, view });
  }
  index.settle();
  return index;
}

/** The same in every run. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}

const ignore = () => undefined;
const silent = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  level: 'error' as const,
  child: () => silent,
};
