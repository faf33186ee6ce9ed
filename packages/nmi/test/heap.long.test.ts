// An editor who fills the sums of a namespace does not fill the heap of the manifest, in the worst shape of each kind. Measured with V8's own
// count after a collection; nothing is timed.
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createClusterInformers } from '../src/authorize/cluster-view.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MiB = 1024 * 1024;
const shareBytes = MiB;

const guid = (at: number) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const resourceID = (at: number) =>
  `/subscriptions/${guid(0)}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-${at}`;
const many = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => of(at));
const labels = (count: number, at: number, value = 'v') =>
  Object.fromEntries(many(count, (key) => [`k${at}-${key}`, value]));

/** V8 keeps these keys as indexes of an array, which has room for all indexes below. */
const numbers = { '1000': 'v', '2020': 'v', '3300': 'v' };

type Spec = (at: number) => object;
const identities: Record<string, Spec> = {
  ordinary: (at) => ({ type: 0, resourceID: resourceID(at), clientID: guid(at) }),
  smallest: () => ({ type: 1 }),
  'not valid': () => ({ type: 7 }),
  'with many namespaces': (at) => ({
    type: 0,
    resourceID: resourceID(at),
    allowedNamespaces: { names: many(64, (name) => `n${at}-${name}`) },
  }),
  'with labels that are numbers': (at) => ({
    type: 0,
    resourceID: resourceID(at),
    allowedNamespaces: { selector: { matchLabels: numbers } },
  }),
  'with many tenants': (at) => ({ type: 1, auxiliaryTenantIDs: many(400, (tenant) => `${at}${tenant}`) }),
  'with one character beyond Latin-1 in long texts': (at) => ({
    type: 1,
    adEndpoint: `${at}ж${'x'.repeat(1_900)}`,
    adResourceID: `${at}ж${'x'.repeat(1_900)}`,
  }),
};
const bindings: Record<string, Spec> = {
  ordinary: (at) => ({ azureIdentity: `id-${at}`, selector: `s-${at}` }),
  'with eight expressions': (at) => ({
    azureIdentity: `id-${at}`,
    podSelector: {
      matchExpressions: many(8, (key) => ({
        key: `k${at}-${key}`,
        operator: 'In',
        values: many(16, String),
      })),
    },
  }),
  'with eight labels': (at) => ({ azureIdentity: `id-${at}`, podSelector: { matchLabels: labels(8, at) } }),
  'with labels that are numbers': (at) => ({
    azureIdentity: `id-${at}`,
    podSelector: { matchLabels: numbers },
  }),
};
const exceptions: Record<string, Spec> = {
  ordinary: (at) => ({ podLabels: labels(1, at) }),
  'with many labels': (at) => ({ podLabels: labels(300, at) }),
  'with labels that are numbers': () => ({ podLabels: numbers }),
  'with twenty labels': (at) => ({ podLabels: labels(20, at) }),
  'with many client ids': (at) => ({ podLabels: labels(1, at), clientIDs: many(400, (id) => `${at}${id}`) }),
  'not valid': (at) => ({ podLabels: labels(1, at), clientIds: [] }),
};
const plurals = {
  azureidentities: identities,
  azureidentitybindings: bindings,
  azurepodidentityexceptions: exceptions,
} as const;
type Plural = keyof typeof plurals;
/** In MiB, of one namespace and kind: all three together are less than half of the heap in the manifest. */
const bound = 10;
const kinds: Record<Plural, string> = {
  azureidentities: 'AzureIdentity',
  azureidentitybindings: 'AzureIdentityBinding',
  azurepodidentityexceptions: 'AzurePodIdentityException',
};
type Written = Readonly<Partial<Record<Plural, Spec>>>;

const object = (plural: Plural, at: number, { namespace, spec }: { namespace: string; spec: Spec }) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: kinds[plural],
  metadata: {
    name: `name-${at}`,
    namespace,
    uid: guid(at),
    resourceVersion: `${1_000_000 + at}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: spec(at),
});

/** An API server with so many objects of each namespace that every bound is exceeded; each object is new when it is read. */
function hostileServer(written: Written, namespaces: number): KubeTransport {
  return {
    server: 'http://hostile',
    close: () => Promise.resolve(),
    async *watch({ signal }) {
      if (signal && !signal.aborted) await once(signal, 'abort');
      yield* [];
    },
    request({ path, onItem }) {
      const plural = path.split('/').at(-1) as Plural;
      const spec = written[plural];
      let characters = namespaces > 0 && spec ? 4 * namespaces * MiB : 0;
      for (let at = 0; characters > 0; at += 1) {
        const text = JSON.stringify(
          object(plural, at, { namespace: `hostile-${at % namespaces}`, spec: spec! }),
        );
        characters -= text.length;
        onItem?.(JSON.parse(text));
      }
      return Promise.resolve({ metadata: { resourceVersion: '1' } });
    },
  };
}

const heap = () => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

async function fill(written: Written, namespaces: number) {
  const clock = createFakeClock();
  const stop = new AbortController();
  const run = async () => {
    const cluster = createClusterInformers({
      transport: hostileServer(written, namespaces),
      namespaceShareBytes: shareBytes,
      clock,
      random: () => 0,
      log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
    });
    for (const informer of cluster.informers) void informer.run(stop.signal);
    await clock.advance(1);
    return cluster;
  };
  const before = heap();
  const { informers } = await run();
  const bytes = heap() - before;
  const kept = informers.map(({ plural, store }) => [plural, store.size] as const);
  stop.abort();
  return { bytes, kept: Object.fromEntries(kept) as Readonly<Record<string, number>> };
}

const shapes = (Object.keys(plurals) as Plural[]).flatMap((plural) =>
  Object.entries(plurals[plural]).map(([shape, spec]) => [plural, shape, spec] as const),
);

/** In MiB: what the test itself and the code that it compiles add. */
const noise = 0.5;

test.each(shapes)(
  '%s, %s, of a namespace over its sum take no more heap than the bound',
  async (plural, _, spec) => {
    await fill({ [plural]: spec }, 0);
    const { bytes, kept } = await fill({ [plural]: spec }, 1);
    expect(kept[plural]).toBeGreaterThan(10);
    expect(bytes / MiB).toBeLessThan(bound + noise);
  },
);
