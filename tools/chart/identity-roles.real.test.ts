// The ClusterRoles of the value azureIdentities belong to no namespace: no two identities may share one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalResourceId } from '@pod-identity/crd-types';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, whyNoApiServer } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../stage/cleanup.ts';
import { identityId } from '../stage/names.ts';
import { applyObject } from '../stage/objects.ts';
import { isAllowed, untilGranted } from '../stage/rights.ts';
import { findHelm } from './helm-for-tests.ts';
import type { HelmVersion } from './helm.ts';
import { chartFolder } from './places.ts';
import { objectsOf, renderChart } from './render.ts';
import { runHelm } from './run-helm.ts';

const versions: readonly HelmVersion[] = ['3.18.0', '4.2.3'];
const found = await Promise.all(versions.map((version) => findHelm(version)));
const lacking = found.flatMap((helm) => (helm.kind === 'missing' ? [helm.why] : []))[0];
const programs = found.map((helm, index) => ({
  version: versions[index],
  program: helm.kind === 'found' ? helm.program : '',
}));

const { program: newest = '' } = programs.at(-1) ?? {};

interface Owner {
  readonly namespace: string;
  readonly name: string;
}

/** Joined by a hyphen, namespace and name are the same text for both. */
const twins: readonly Owner[] = [
  { namespace: 'a', name: 'b-c' },
  { namespace: 'a-b', name: 'c' },
];
const longest: Owner = { namespace: 'n'.repeat(63), name: 'i'.repeat(253) };

const resourceIdOf = ({ namespace, name }: Owner) => identityId(`${namespace}.${name.slice(0, 9)}`);
const valuesOf = (owners: readonly Owner[]) => ({
  azureIdentities: Object.fromEntries(
    owners.map((owner, index) => [
      `identity-${index}`,
      {
        ...owner,
        type: 0,
        resourceID: resourceIdOf(owner),
        binding: { name: `binding-${index}`, selector: 'web' },
        serviceAccounts: ['web'],
      },
    ]),
  ),
});

test.skipIf(lacking !== undefined)('no two pairs of namespace and name have one ClusterRole', async () => {
  // Few letters, so that many pairs differ in the place of a hyphen or a dot alone.
  const label = fc.stringMatching(/^[ab]([ab-]{0,3}[ab])?$/);
  const name = fc.stringMatching(/^[ab]([ab-]{0,2}[ab])?(\.[ab]([ab-]{0,2}[ab])?){0,2}$/);
  const owners = fc.uniqueArray(fc.record({ namespace: label, name }), {
    selector: (owner) => `${owner.namespace}/${owner.name}`,
    minLength: 100,
    maxLength: 200,
  });
  await fc.assert(
    fc.asyncProperty(owners, async (pairs) => {
      const text = await renderChart(newest, {
        values: valuesOf([...pairs, ...twins]),
        kubeVersion: '1.30',
      });
      for (const kind of ['ClusterRole', 'ClusterRoleBinding']) {
        const names = objectsOf(text).flatMap((object) =>
          object.kind === kind ? [object.metadata.name] : [],
        );
        expect(names.filter((each, at) => names.indexOf(each) !== at)).toEqual([]);
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

test.skipIf(lacking !== undefined)(
  'an id with a slash at its end is the one for which rights are asked',
  async () => {
    const owner = { namespace: 'a', name: 'b' };
    const { azureIdentities } = valuesOf([owner]);
    const resourceID = `${resourceIdOf(owner)}/`;
    const values = { azureIdentities: { b: { ...azureIdentities['identity-0'], resourceID } } };
    const text = await renderChart(newest, { values, kubeVersion: '1.30' });
    const role = objectsOf(text).find(({ metadata }) => metadata.name === 'pod-identity-use-a.b');
    expect(role).toMatchObject({ rules: [{ resourceNames: [canonicalResourceId(resourceID)] }] });
  },
);

const missing = whyNoApiServer() ?? lacking;
if (missing !== undefined) console.warn(`skipped roles of identities on a real API server: ${missing}`);

describe.skipIf(missing !== undefined)('on a real API server', () => {
  let kube: KubeTransport;
  let kubeconfig: string;
  let folder: string;
  const cleanup = createCleanup();

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.20' });
    if ('skipped' in server) throw new Error(server.skipped);
    cleanup.add(() => server.stop());
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-roles-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    ({ kubeconfig } = server);
    kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-stage' });
    cleanup.add(() => kube.close());
    for (const { namespace } of [...twins, longest])
      await applyObject(kube, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  });
  afterAll(() => cleanup.run());

  const mayUse = ({ namespace }: Owner, identity: Owner) =>
    isAllowed(
      kube,
      { namespace, name: 'web' },
      {
        verb: 'use',
        group: 'azure.aadpodidentity.k8s.io',
        resource: 'managedidentities',
        name: resourceIdOf(identity).toLowerCase(),
      },
    );

  test.each(programs)(
    'helm $version gives the right on each identity to the accounts of its namespace alone, names of the greatest length included',
    async ({ program, version = '' }) => {
      const place = { program, kubeconfig, folder };
      const helm = async (owners: readonly Owner[], ...args: readonly string[]) => {
        const file = join(folder, `values-${version}-${owners.length}.json`);
        await writeFile(file, JSON.stringify(valuesOf(owners)));
        await runHelm(place, [...args, '--values', file]);
      };
      const [one, other] = twins as readonly [Owner, Owner];
      await helm([one], 'install', 'pod-identity', chartFolder, '--create-namespace');
      await helm([one, other, longest], 'upgrade', 'pod-identity', chartFolder);
      await untilGranted(kube, objectsOf(await runHelm(place, ['get', 'manifest', 'pod-identity'])));
      const owners = [one, other, longest];
      const rights = owners.map((owner) => Promise.all(owners.map((identity) => mayUse(owner, identity))));
      expect(await Promise.all(rights)).toEqual([
        [true, false, false],
        [false, true, false],
        [false, false, true],
      ]);
      await runHelm(place, ['uninstall', 'pod-identity']);
    },
  );
});
