// What AAD Pod Identity leaves in a cluster: definitions without a schema, as it made them until 1.7, objects with the spellings of 2018, records of
// its MIC, and the rules of an NMI that was killed.
import type { KubeObject } from '../../stage/objects.ts';
import type { StageNode } from './stage.ts';

const group = 'aadpodidentity.k8s.io';
const apiVersion = `${group}/v1`;
export const kinds = {
  AzureIdentity: 'azureidentities',
  AzureIdentityBinding: 'azureidentitybindings',
  AzureAssignedIdentity: 'azureassignedidentities',
  AzurePodIdentityException: 'azurepodidentityexceptions',
} as const;
const metadata = (name: string) => ({ name, namespace: 'default' });

export const definitions: readonly KubeObject[] = Object.entries(kinds).map(([kind, plural]) => ({
  apiVersion: 'apiextensions.k8s.io/v1beta1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.${group}`,
    annotations: { 'api-approved.kubernetes.io': 'unapproved' },
  },
  spec: {
    group,
    version: 'v1',
    names: { kind, plural, singular: kind.toLowerCase() },
    scope: 'Namespaced',
  },
}));

/** An AzureIdentity, its binding and an exception, as documented in 2018. */
export function userObjects(
  name: string,
  identity: { readonly id: string; readonly clientId: string },
): readonly KubeObject[] {
  return [
    {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: metadata(name),
      spec: { type: 0, ResourceID: identity.id, ClientID: identity.clientId },
    },
    {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: metadata(`${name}-binding`),
      spec: { AzureIdentity: name, Selector: name },
    },
    {
      apiVersion,
      kind: 'AzurePodIdentityException',
      metadata: metadata(`${name}-exception`),
      spec: { PodLabels: { app: 'excepted' } },
    },
  ];
}

export interface RecordSpec {
  readonly pod: string;
  readonly node: string;
  readonly name: string;
  readonly identity: { readonly id: string; readonly clientId: string };
}

/** As MIC up to 1.5.5 wrote it. */
export const recordBefore16 = ({ pod, node, name, identity }: RecordSpec): KubeObject => ({
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: {
    ...metadata(`${pod}-default-${name}`),
    labels: { nodename: node, podname: pod, podnamespace: 'default' },
  },
  spec: {
    azureidentityref: {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: metadata(name),
      spec: { type: 0, resourceid: identity.id, clientid: identity.clientId },
    },
    azurebindingref: {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: metadata(`${name}-binding`),
      spec: { azureidentity: name, selector: name },
    },
    pod,
    podnamespace: 'default',
    nodename: node,
  },
  Status: { status: 'Assigned', availableReplicas: 1 },
});

/** As MIC from 1.6.1 wrote it, with its finalizer. */
export const recordSince16 = ({ pod, node, name, identity }: RecordSpec): KubeObject => ({
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: {
    ...metadata(`${pod}-default-${name}`),
    labels: { nodename: node },
    ...({ finalizers: ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'] } as object),
  },
  spec: {
    azureIdentityRef: {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: metadata(name),
      spec: { resourceID: identity.id, clientID: identity.clientId },
    },
    azureBindingRef: {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: metadata(`${name}-binding`),
      spec: { azureIdentity: name, selector: name },
    },
    pod,
    podNamespace: 'default',
    nodename: node,
    replicas: null,
  },
  status: { status: 'Assigned', availableReplicas: 1 },
});

/** The rules of the original's NMI, which a killed one leaves. */
export async function leaveChain(node: StageNode): Promise<void> {
  const nat = ['iptables', '--wait', '-t', 'nat'];
  await node.in(...nat, '-N', 'aad-metadata');
  const matches = '! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80';
  const target = '-j DNAT --to-destination 127.0.0.1:2579';
  await node.in(...nat, '-A', 'aad-metadata', ...matches.split(' '), ...target.split(' '));
  await node.in(...nat, '-A', 'aad-metadata', '-j', 'RETURN');
  await node.in(...nat, '-I', 'PREROUTING', '1', '-j', 'aad-metadata');
}
