// Real API servers take every manifest: v1.20 validates all kinds, v1.36 has the API versions that v1.20 lacks.
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, whyNoPrograms, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { established } from '../stage/cluster.ts';
import { baseWith, kustomize, overlays } from '../stage/kustomize.ts';
import { applyObject, deleteObject, pathOf, readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';

/** With fields or API versions that Kubernetes 1.20 does not have. */
const newer = new Set([
  ...['overlays/standard', 'overlays/noazurejson', 'overlays/managed'],
  ...['overlays/federated', 'broker/labelled-nodes', 'broker/every-node-is-trusted'],
  ...['surge', 'pod-disruption-budget'],
]);
const made = new Set(['Namespace', 'CustomResourceDefinition']);
// Neither server has FlowSchemas v1: installing.real.test.ts sends that sample to Kubernetes 1.34.
const files = (await readdir(inDeploy(''), { recursive: true })).filter((path) =>
  /^(infra|samples)\/(?!flow-schema).*\.yaml$/.test(path),
);
const folders = overlays().filter((path) => !path.startsWith('overlays/infra/'));
const components = (await readdir(inDeploy('components'))).flatMap((name) =>
  // Its own folder only says that one of these is to be chosen.
  name === 'broker' ? ['broker/labelled-nodes', 'broker/every-node-is-trusted'] : [name],
);

const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.log(`the manifests are not sent to real API servers: ${missing}`);

/** Rendered once for both servers. What is in deploy/infra is rendered already. */
const rendered = new Map<string, KubeObject[]>();
function once(name: string, render: () => KubeObject[]): KubeObject[] {
  const objects = rendered.get(name) ?? render();
  rendered.set(name, objects);
  return objects;
}

describe.skipIf(missing !== undefined).each(['v1.20', 'v1.36'] as const)('Kubernetes %s', async (flavour) => {
  const server = missing === undefined ? await startApiServer({ flavour }) : { skipped: missing };
  if ('skipped' in server)
    console.log(`the manifests are not tested on Kubernetes ${flavour}: ${server.skipped}`);
  describe.skipIf('skipped' in server)('takes', () => {
    if (!('skipped' in server)) suite(flavour, server);
  });
});

function suite(flavour: 'v1.20' | 'v1.36', server: RunningApiServer) {
  let kube: KubeTransport;

  beforeAll(async () => {
    kube = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'manifests-test' });
    const [namespace] = await readManifests(inDeploy('components/broker/parts/namespace.yaml'));
    await applyObject(kube, namespace!);
  });
  afterAll(async () => {
    await kube.close();
    await server.stop();
  });

  /** What the server would store. */
  const dryRun = ({ apiVersion, kind, metadata, ...rest }: KubeObject) =>
    kube.request({
      method: 'POST',
      path: pathOf({ apiVersion, kind, namespace: metadata.namespace ?? 'default' }),
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: { apiVersion, kind, metadata, ...rest },
    });

  test('the article’s file in one kubectl create -f', async () => {
    const file = inDeploy('infra/deployment-rbac.yaml');
    // The schemas of v1.20 are none that this kubectl reads.
    const args = ['create', '--validate=false', '--kubeconfig', server.kubeconfig, '-f', file];
    const printed = execFileSync('kubectl', args, { encoding: 'utf8' });
    const objects = await readManifests(file);
    expect(printed.split('\n').filter((line) => line.endsWith(' created'))).toHaveLength(objects.length);
    await established(kube);
    for (const object of objects) if (!made.has(object.kind)) await deleteObject(kube, object);
  });

  const isServed = (name: string) => flavour === 'v1.36' || !newer.has(name);
  const expectTaken = async (objects: readonly KubeObject[]) => {
    for (const object of objects)
      // A field that the server does not know is missing in its answer.
      if (!made.has(object.kind)) expect(await dryRun(object)).toMatchObject(object);
  };

  test.each(files)('deploy/%s', async (file) => expectTaken(await readManifests(inDeploy(file))));
  test.each(folders.filter(isServed))('deploy/%s', (folder) =>
    expectTaken(once(folder, () => kustomize(folder))),
  );
  test.each(components.filter(isServed))('deploy/components/%s on deploy/base', (name) =>
    expectTaken(once(name, () => baseWith(name))),
  );
}
