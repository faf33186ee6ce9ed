// What a namespace needs for federated identities: the objects, and the right for a ServiceAccount.
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { untilGranted } from '../../stage/rights.ts';
import type { Stage } from '../../stage/stage.ts';
import { rbac } from '../access/people.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';

/** An AzureIdentity of type 3 and its binding. */
export function federatedObjects(namespace: string, client: string): KubeObject[] {
  const metadata = { namespace, name: 'vault' };
  const spec = { type: 3, tenantID: names.tenant, clientID: client };
  return [
    { apiVersion, kind: 'AzureIdentity', metadata, spec },
    {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata,
      spec: { azureIdentity: 'vault', selector: 'vault' },
    },
  ];
}

/** As docs/administrator/federated.md. */
export async function allowUse(
  stage: Pick<Stage, 'create' | 'kube'>,
  account: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const name = `use-vault-${account.name}`;
  const rules = [
    {
      apiGroups: ['azure.aadpodidentity.k8s.io'],
      resources: ['federatedidentities'],
      resourceNames: [`${names.tenant}/${names.firstIdentity.clientId}`],
      verbs: ['use'],
    },
  ];
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name };
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  const objects = [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects },
  ];
  for (const object of objects) await stage.create(object);
  await untilGranted(stage.kube, objects);
}
