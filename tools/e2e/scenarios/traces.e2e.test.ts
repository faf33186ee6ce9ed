// Traces of the running services, as a collector receives them.
import { startOtlpCollector, type OtlpCollector, type ReceivedSpan } from '@pod-identity/kit/testing';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../../stage/cleanup.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { built, inDeploy } from '../../stage/places.ts';
import { openStage } from '../../stage/stage.ts';
import { sendRaw } from '../clients/ask.ts';

let collector: OtlpCollector;
let tokens: readonly string[];
const forged = '4bf92f3577b34da6a3ce929d0e0e4736';

interface Tree {
  readonly span: ReceivedSpan;
  readonly parts: readonly Tree[];
}

const group = 'rbac.authorization.k8s.io';
const right: readonly KubeObject[] = [
  {
    apiVersion: `${group}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'use-identities' },
    rules: [{ apiGroups: ['azure.aadpodidentity.k8s.io'], resources: ['managedidentities'], verbs: ['use'] }],
  },
  {
    apiVersion: `${group}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'use-identities' },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'use-identities' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'app' }],
  },
];

beforeAll(async () => {
  const cleanup = createCleanup();
  collector = await startOtlpCollector();
  cleanup.add(() => collector.close());
  try {
    const stage = await openStage({ nodes: 1, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    cleanup.add(() => stage.stop());
    await stage.install();
    const mic = await stage.startMic('1');
    const nmi = await stage.startNmi(0, ['--identity-access=rbac']);
    for (const file of ['azureidentity', 'azureidentitybinding'])
      await stage.apply(inDeploy(`demo/${file}.yaml`));
    for (const object of right) await stage.create(object);
    const pod = await stage.runPod({ name: 'app', node: 0, label: 'demo-app', serviceAccount: 'app' });
    // The sampled flag is set: a service that continued traces of callers would export this one under the caller's id.
    const headers = { traceparent: `00-${forged}-00f067aa0ba902b7-01` };
    const answers = [await sendRaw({ pod, nmi, headers }), await sendRaw({ pod, nmi, headers })];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    tokens = answers.map(({ body }) => body['access_token'] ?? '');
    // What is left is sent at the end.
    await nmi.service.stop();
    await mic.stop();
  } finally {
    await cleanup.run();
  }
});

function treesOf(service: string, name: string): readonly Tree[] {
  const partsOf = (id: string): readonly Tree[] =>
    collector.spans
      .filter(({ parentSpanId }) => parentSpanId === id)
      .map((span) => ({ span, parts: partsOf(span.spanId) }));
  return partsOf('').filter(({ span }) => span.service === service && span.name === name);
}

/** The names on the way to each span. */
const pathsOf = ({ span: { name }, parts }: Tree): readonly string[] => [
  name,
  ...parts.flatMap(pathsOf).map((path) => `${name} > ${path}`),
];

const factsIn = ({ span, parts }: Tree): object =>
  Object.assign({}, ...parts.map(factsIn), span.attributes) as object;

test('the first request of a pod is traced from its pod over the review to the metadata service; the next one ends in memory', () => {
  const [first, second, ...more] = treesOf('pod-identity-nmi', 'request').map(
    (tree) => new Set(pathsOf(tree)),
  );
  expect(more).toEqual([]);
  for (const path of [
    'request > find pod',
    'request > decide',
    'request > access > review by the API server',
    'request > token > token by the metadata service',
  ])
    expect(first).toContain(path);
  expect(second).toEqual(
    new Set(['request', 'request > find pod', 'request > decide', 'request > token from memory']),
  );
});

test('a trace says which pod got the token of which identity, and from where', () => {
  const [first, second] = treesOf('pod-identity-nmi', 'request').map(factsIn);
  const facts = {
    'k8s.namespace.name': 'default',
    'k8s.pod.name': 'app',
    'pod_identity.identity': 'default/demo-aks-pod-id',
    'pod_identity.outcome': 'token',
    'pod_identity.verdict': 'allowed',
  };
  expect(first).toMatchObject({ ...facts, 'pod_identity.from': 'miss' });
  expect(second).toMatchObject({ 'pod_identity.outcome': 'token', 'pod_identity.from': 'hit' });
});

test('a pass of MIC over a host is traced to its calls of Azure Resource Manager', () => {
  const passes = treesOf('pod-identity-mic', 'pass');
  expect(passes.flatMap(pathsOf)).toContain('pass > read host > ARM GET');
  const change = passes.find((pass) => pathsOf(pass).includes('pass > change host > ARM PATCH'));
  expect(change && factsIn(change)).toMatchObject({
    'pod_identity.lane': 'azure',
    'pod_identity.result': 'done',
    'pod_identity.patches': 1,
  });
});

test('no pod chooses the id of a trace, and no token is in a span', () => {
  expect(collector.spans.map(({ traceId }) => traceId)).not.toContain(forged);
  for (const token of tokens) expect(JSON.stringify(collector.spans)).not.toContain(token);
});

/** The text of an entry file and of everything that it imports; of the imports at run time only the body of MIC. */
async function textsAtStart(file: string, seen = new Set<string>()): Promise<readonly string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = await readFile(file, 'utf8');
  const imported = [...text.matchAll(/(?:\bfrom |^import |import\()"(\.\/(?:chunk|run|service)-\w+\.js)"/gm)];
  const others = await Promise.all(
    imported.map(([, path = '']) => textsAtStart(join(dirname(file), path), seen)),
  );
  return [text, ...others.flat()];
}

test.each(['mic', 'nmi'])('%s loads no part of the SDK at its start', async (program) => {
  const texts = await textsAtStart(built(program));
  expect(texts.join().length).toBeGreaterThan(500_000);
  expect(texts.filter((text) => /OTLPTraceExporter|BatchSpanProcessor/.test(text))).toEqual([]);
});
