// An update to federated identities, and the way back, in the wrong order: what administrators and pods are told, and that nothing has to be
// started again once the missing step is done. The steps in the right order: federated.real.test.ts.
import { KubeError } from '@pod-identity/kit/kube';
import { whyNoApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilAnswer } from '../access/asking.ts';
import { createAccount, createNamespace, rbac } from '../access/people.ts';
import { sendRaw } from '../clients/ask.ts';
import { openFederatedStage, type FederatedStage } from '../federated/stage.ts';
import { brokerNamespace } from '../../stage/broker.ts';
import * as names from '../../stage/names.ts';
import { applyObject, deleteObject, pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { isAllowed, untilGranted } from '../../stage/rights.ts';
import type { StageNmi, StagePod } from '../../stage/stage.ts';

const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`federated identities in the wrong order are skipped: ${missing}`);

const apiVersion = 'aadpodidentity.k8s.io/v1';
const { id: resourceID, clientId: clientID } = names.firstIdentity;
const metadata = { namespace: 'pay', name: 'vault' };
const federatedIdentity: KubeObject = {
  apiVersion,
  kind: 'AzureIdentity',
  metadata,
  spec: { type: 3, tenantID: names.tenant, clientID, resourceID },
};
const roles = inDeploy('components/broker/parts/rbac.yaml');

describe.skipIf(missing !== undefined)('federated identities in the wrong order', () => {
  let federated: FederatedStage;

  beforeAll(async () => {
    federated = await openFederatedStage('v1.34');
    const { stage } = federated;
    await createNamespace(stage, 'pay');
    await createAccount(stage, 'pay', 'web');
    await allowWeb();
  });
  afterAll(() => federated.stop());

  const takeRolesAway = async () => {
    const { kube } = federated.stage;
    for (const object of (await readManifests(roles)).filter(({ kind }) => kind.endsWith('RoleBinding')))
      await deleteObject(kube, object);
    const account = { namespace: names.systemNamespace, name: 'nmi' };
    const right = {
      verb: 'list',
      resource: 'configmaps',
      namespace: brokerNamespace,
      name: 'broker-replicas',
    };
    await expect.poll(() => isAllowed(kube, account, right), { timeout: 60_000 }).toBe(false);
  };
  const allowWeb = async () => {
    const rule = {
      apiGroups: ['azure.aadpodidentity.k8s.io'],
      resources: ['federatedidentities', 'managedidentities'],
      verbs: ['use'],
    };
    const name = 'use-vault';
    const objects = [
      { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules: [rule] },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', namespace: 'pay', name: 'web' }],
      },
    ];
    for (const object of objects) await federated.stage.create(object);
    await untilGranted(federated.stage.kube, objects);
  };
  const runPod = (name: string, node: number) =>
    federated.stage.runPod({ name, namespace: 'pay', node, label: 'vault', serviceAccount: 'web' });
  const until = (way: { readonly pod: StagePod; readonly nmi: StageNmi }, status: number, words = '') =>
    untilAnswer(() => sendRaw(way), {
      what: `${status} for ${way.pod.object.metadata.name}`,
      fits: ({ status: given, body }) =>
        given === status && (body['error_description'] ?? '').includes(words),
      withinMs: 120_000,
    });

  describe('objects of type 3 before the definitions', () => {
    const write = async (): Promise<KubeObject | string> => {
      try {
        return await applyObject(federated.stage.kube, federatedIdentity);
      } catch (error) {
        if (error instanceof KubeError) return error.message;
        throw error;
      }
    };

    test('a definition without type 3 refuses them, and says which types it has', async () => {
      await define((type) => ({ ...type, enum: [0, 1, 2] }));
      await expect
        .poll(write, { timeout: 60_000, interval: 500 })
        .toMatch(/spec\.type: Unsupported value: 3: supported values: "?0"?, "?1"?, "?2"?/);
    });

    test('those of the original keep them as they are', async () => {
      await define(({ type, description }) => ({ type, description }));
      await expect
        .poll(write, { timeout: 60_000, interval: 500 })
        .toMatchObject({ spec: federatedIdentity['spec'] });
      await deleteObject(federated.stage.kube, federatedIdentity);
    });

    test('with the definitions of deploy/crds they can be created', async () => {
      await federated.stage.apply(inDeploy('crds'));
      await expect.poll(write, { timeout: 60_000, interval: 500 }).toMatchObject({ kind: 'AzureIdentity' });
      const spec = { azureIdentity: 'vault', selector: 'vault' };
      await federated.stage.create({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec });
    });

    /** Changes what the definition of AzureIdentities says of `spec.type`. */
    const define = async (change: (type: Readonly<Record<string, unknown>>) => object) => {
      const [definition] = await readManifests(inDeploy('crds/azureidentities.yaml'));
      const changed = structuredClone(definition) as unknown as Definition;
      for (const { schema } of changed.spec.versions) {
        const { properties } = schema.openAPIV3Schema.properties.spec;
        properties.type = change(properties.type) as typeof properties.type;
      }
      await applyObject(federated.stage.kube, changed as unknown as KubeObject);
    };
  });

  test('an NMI without --broker names the flag to the pod', async () => {
    const nmi = await federated.stage.startNmi(1, ['--operation-mode', 'managed']);
    const pod = await runPod('early', 1);
    const { body } = await until({ pod, nmi }, 400, '--broker');
    expect(body['error_description']).toContain('type 3 (federated)');
  });

  describe('NMI and the broker before the roles and the credential', () => {
    let nmi: StageNmi;
    let pod: StagePod;

    test('a pod gets 503 and Retry-After without a broker, and the log of NMI says why', async () => {
      await takeRolesAway();
      nmi = await federated.startNmi(0);
      pod = await runPod('web', 0);
      const { retryAfter } = await until({ pod, nmi }, 503, 'No broker gave a response');
      expect(retryAfter).toBeDefined();
      await nmi.service.logged('the broker gave no response');
    });

    test('a broker without its roles is not ready, and says so to check-federated', async () => {
      const broker = await federated.startBroker('broker-a');
      await broker.service.logged('cannot keep the entry in ConfigMap broker-replicas');
      const { code, output } = await broker.check(`${names.tenant}/${clientID}`);
      expect(code).toBe(1);
      expect(output).toContain('✗ pod          the broker of this pod is not ready');
      await until({ pod, nmi }, 503, 'No broker gave a response');
    });

    test('with its roles, the pod is told of the missing credential, and then gets its token', async () => {
      const { world } = federated.stage.sim.azure;
      const credentials = world.federatedCredentials(clientID);
      world.removeFederatedCredentials(clientID);
      await untilGranted(federated.stage.kube, await federated.stage.apply(roles));
      await until({ pod, nmi }, 503, 'az identity federated-credential create');
      for (const credential of credentials) world.addFederatedCredential(clientID, credential);
      expect((await until({ pod, nmi }, 200)).body['client_id']).toBe(clientID);
    });

    test('back to type 0 before the machine has the identity: no token until it is attached', async () => {
      await federated.stage.kube.request({
        method: 'PATCH',
        path: pathOf({ ...federatedIdentity, ...metadata }),
        body: { spec: { type: 0 } },
        contentType: 'application/merge-patch+json',
      });
      const late = await runPod('late', 0);
      await until({ pod: late, nmi }, 503, 'not');
      expect((await sendRaw({ pod, nmi })).status).toBe(503);
      federated.stage.sim.azure.world.attach(names.scaleSetId(names.scaleSet), resourceID);
      expect((await until({ pod: late, nmi }, 200)).body['client_id']).toBe(clientID);
    });
  });
});

interface Definition {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: {
          readonly properties: {
            readonly spec: { readonly properties: { type: Readonly<Record<string, unknown>> } };
          };
        };
      };
    }[];
  };
}
