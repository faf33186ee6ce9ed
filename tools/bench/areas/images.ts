// What the images cost: the bytes that a node fetches, and the time until a pod runs from an image that the node has.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startCluster, whyNoCluster } from '@pod-identity/kit/testing';
import { buildImages, type BuiltImage } from '../../images/build.ts';
import { applyObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import { median, rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';

const figureNames = { mic: 'micImageMB', nmi: 'nmiImageMB', 'keyvault-sample': 'sampleImageMB' } as const;
const starts: Readonly<Record<Scale, number>> = { full: 10, smoke: 1 };

export async function benchImages(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-images-'));
  try {
    const images = await buildImages({ out: folder });
    const sizes = images.map(({ name, compressedBytes }) => ({
      name: figureNames[name],
      value: rounded(compressedBytes / 1e6),
      what: `compressed megabytes of the image ${name}`,
    }));
    return [...sizes, ...(await podStart(images, { say, samples: starts[scale] }))];
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Sampling {
  readonly say: (text: string) => void;
  readonly samples: number;
}

async function podStart(images: readonly BuiltImage[], { say, samples }: Sampling): Promise<Figures> {
  const missing = whyNoCluster();
  if (missing !== undefined) {
    say(missing);
    return ['podStartMs', 'podStartWorstMs'].map((name) => ({ name, value: undefined, what: missing }));
  }
  const cluster = await startCluster({ nodes: 1, providerId: 'azure:///{i}' });
  try {
    const sample = images.find((image) => image.name === 'keyvault-sample');
    if (sample) await cluster.import(sample.archive);
    const kube = await connectKube({ kubeconfig: cluster.kubeconfig, userAgent: 'pod-identity-bench' });
    const times = await timesOf(kube, samples).finally(() => kube.close());
    const what =
      'from the creation of a pod of keyvault-sample, of which the node has the image, to Ready: scheduler, kubelet, containerd, runc';
    const spread = [Math.min(...times), Math.max(...times)] as const;
    return [
      { name: 'podStartMs', value: rounded(median(times)), spread, what: `${what}; median of ${samples}` },
      { name: 'podStartWorstMs', value: rounded(spread[1]), what: 'the longest of these' },
    ];
  } finally {
    await cluster.stop();
  }
}

async function timesOf(kube: KubeTransport, samples: number): Promise<readonly number[]> {
  const account = pathOf({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'default' });
  await untilObject(kube, { path: account, fits: ({ metadata }) => metadata.name === 'default' });
  const path = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'default' });
  const times: number[] = [];
  // The first one also waits for the network of the node, and does not count.
  for (let sample = 0; sample <= samples; sample += 1) {
    const pod = podOf(`sample-${sample}`);
    const isSample = ({ metadata }: KubeObject) => metadata.name === pod.metadata.name;
    const begun = performance.now();
    await applyObject(kube, pod);
    await untilObject(kube, { path, fits: (object) => isSample(object) && isReady(object) });
    if (sample > 0) times.push(performance.now() - begun);
    // With its own grace period, so that its container is gone before the next one starts.
    const body = { propagationPolicy: 'Background' };
    await kube.request({ method: 'DELETE', path: `${path}/${pod.metadata.name}`, body });
    await untilNone(kube, { path, fits: isSample });
  }
  return times;
}

/** It stays, and fails to reach a vault. */
function podOf(name: string): KubeObject {
  const env = Object.entries({ KEYVAULT_URL: 'https://vault.invalid', SECRET_NAMES: 'secret' });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'app',
          image: 'your-registry.invalid/aad-pod-identity/keyvault-sample:0.1.0',
          imagePullPolicy: 'Never',
          env: env.map(([variable, value]) => ({ name: variable, value })),
        },
      ],
    },
  };
}

function isReady(pod: KubeObject): boolean {
  const { conditions = [] } = pod['status'] as { readonly conditions?: readonly Condition[] };
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

interface Condition {
  readonly type: string;
  readonly status: string;
}
