// Values that the templates of the chart refuse, and parts of what they say.
import type { Refusal } from './value-sets.ts';

export const templateRefusals: Readonly<Record<string, Refusal>> = {
  'values of the original without meaning here, all at once': {
    values: {
      nameOverride: 'x',
      mic: { updateUserMSIMaxRetry: '2' },
      nmi: { kubeletConfig: '/etc/default/kubelet', micNamespace: 'default' },
    },
    says: [
      'nameOverride: this chart does not have',
      'mic.updateUserMSIMaxRetry: this chart does not have',
      'nmi.kubeletConfig: this chart does not have',
      'nmi.micNamespace: this chart does not have',
      'needs an AzurePodIdentityException',
    ],
  },
  // Of a copy of the original's values.yaml.
  "values of the original's in another type, all at once": {
    values: {
      installMICException: 'true',
      mic: { probePort: '', prometheusPort: '8888' },
      nmi: {
        probePort: '8085',
        prometheusPort: '9091',
        enableScaleFeatures: '',
        blockInstanceMetadata: '',
        metadataHeaderRequired: '',
        enableConntrackDeletion: '',
      },
      azureIdentities: [{ name: 'web', type: 0, resourceID: '/x', binding: { selector: 'web' } }],
    },
    says: [
      'installMICException: is the text "true". Write true or false without quotes',
      'mic.probePort: is empty. Remove it, which means 8080',
      'mic.prometheusPort: is the text "8888". Write the number without quotes, or remove it, which means 8888',
      'nmi.probePort: is the text "8085". Write the number without quotes, or remove it, which means 8086',
      'nmi.prometheusPort: is the text "9091". Write the number without quotes, or remove it, which means 9090',
      'nmi.enableScaleFeatures: is empty. Write true or false, or remove it, which means true',
      'nmi.blockInstanceMetadata: is empty. Write true or false, or remove it, which means false',
      'nmi.metadataHeaderRequired: is empty. Write true or false, or remove it, which means true',
      'nmi.enableConntrackDeletion: is empty. Write true or false, or remove it, which means true',
      'azureIdentities: is a list. Write each identity under its name',
    ],
  },
  'a registry with a slash, and a digest as a tag': {
    values: {
      image: { repository: 'registry.example/x/' },
      mic: { tag: `sha256:${'a'.repeat(64)}` },
      nmi: { tag: 'registry.example/nmi:1', digest: 'sha256:abc' },
    },
    says: [
      'image.repository: is "registry.example/x/". Write the registry and the folder',
      `mic.tag: is "sha256:${'a'.repeat(64)}", a digest. Set mic.digest to sha256:aaa`,
      'nmi.tag: is "registry.example/nmi:1". Write the tag alone',
      'nmi.digest: is "sha256:abc". Write sha256: and 64 digits',
    ],
  },
  'a registry as an address': {
    values: { image: { repository: 'https://images.example/x' } },
    says: ['image.repository: is "https://images.example/x"', 'without https://'],
  },
  'a tag in the name of an image': {
    values: { mic: { image: 'mic:0.1.0' }, nmi: { image: null } },
    says: [
      'mic.image: is "mic:0.1.0". Write the name alone, as in mic; the registry is in image.repository, the tag in mic.tag.',
      'nmi.image: is "". Write the name alone',
    ],
  },
  'no registry': {
    values: { image: { repository: null } },
    says: ['image.repository: is "". Write the registry'],
  },
  'an identity that the API server would not take': {
    values: {
      azureIdentities: {
        web: {
          type: 0,
          namespace: 'Pay',
          name: 'web_1',
          resourceID: '/subscriptions/s/resourceGroups/g/userAssignedIdentities/web',
          binding: { name: 'b/1', selector: 'web' },
          serviceAccounts: ['*', 'Web'],
        },
      },
    },
    says: [
      'azureIdentities.web.resourceID: is "/subscriptions/s/resourceGroups/g/userAssignedIdentities/web". Write the ARM id as `az identity show',
      'azureIdentities.web.name: is "web_1", which can\'t be the name of an object',
      'azureIdentities.web.binding.name: is "b/1"',
      'azureIdentities.web.serviceAccounts[1]: is "Web"',
      'azureIdentities.web.namespace: is "Pay", which can\'t be the name of a namespace',
    ],
  },
  'managed without namespaced identities': {
    values: { operationMode: 'managed', forceNamespaced: false },
    says: ['forceNamespaced: the operation mode managed needs'],
  },
  'a budget that lets no node be drained': {
    values: { mic: { replicas: 1, podDisruptionBudget: { minAvailable: 1 } } },
    says: ['mic.podDisruptionBudget.minAvailable: must be below mic.replicas (1)'],
  },
  'a budget above the number of MICs': {
    values: { mic: { replicas: 2, podDisruptionBudget: { minAvailable: 3 } } },
    says: ['mic.podDisruptionBudget.minAvailable: must be below mic.replicas (2)'],
  },
  'a budget of all MICs': {
    values: { mic: { replicas: 2, podDisruptionBudget: { minAvailable: '100%' } } },
    says: [
      'mic.podDisruptionBudget.minAvailable: 100% of 2 MICs are 2, which must be below mic.replicas (2)',
      'Set maxUnavailable 1 instead.',
    ],
  },
  'a budget of a part of the MICs that is rounded up to all': {
    values: { mic: { replicas: 2, podDisruptionBudget: { minAvailable: '51%' } } },
    says: ['mic.podDisruptionBudget.minAvailable: 51% of 2 MICs are 2, which must be below mic.replicas (2)'],
  },
  'a budget that no MIC may be missing from': {
    values: { mic: { podDisruptionBudget: { maxUnavailable: '0%' } } },
    says: ['mic.podDisruptionBudget.maxUnavailable: must be above 0, or no node with a MIC can be drained'],
  },
  'a broker without a choice of its nodes': {
    values: { broker: { enabled: true, nodeSelector: { pool: 'broker' } } },
    says: [
      'broker.nodeSelector: who has root on a node with the broker has every federated identity',
      'node-restriction.kubernetes.io/pod-identity-broker',
      'or set broker.everyNodeIsTrusted true',
    ],
  },
  'a federated identity with a secret, and without ids': {
    values: {
      azureIdentities: {
        web: {
          type: 3,
          namespace: 'pay',
          tenantID: 'contoso.onmicrosoft.com',
          clientPassword: { name: 'secret' },
          auxiliaryTenantIDs: ['00000000-0000-0000-0000-00000000ad01'],
          binding: { selector: 'web' },
        },
      },
    },
    says: [
      'azureIdentities.web.tenantID: is "contoso.onmicrosoft.com". A federated identity (type 3) needs it, as in 0000',
      'azureIdentities.web.clientID: is ""',
      'azureIdentities.web.clientPassword: remove it',
      'azureIdentities.web.auxiliaryTenantIDs: remove it',
    ],
  },
  'monitors without the operator': {
    values: { monitoring: { enabled: true } },
    says: [
      'monitoring.enabled: the cluster does not have the API monitoring.coreos.com/v1',
      '--api-versions',
    ],
  },
  'policies before Kubernetes 1.30': {
    values: { admissionPolicies: true },
    kubeVersion: '1.29',
    says: ['admissionPolicies: needs Kubernetes 1.30, and the cluster has v1.29'],
  },
  'an identity in no namespace of pods': {
    values: { azureIdentities: { web: { type: 0, resourceID: '/x', binding: { selector: 'web' } } } },
    says: ['azureIdentities.web.namespace: is missing', 'set the namespace of these pods'],
  },
  'a managed identity without its id': {
    values: { azureIdentities: { web: { type: 0, namespace: 'pay', binding: { selector: 'web' } } } },
    says: ['azureIdentities.web.resourceID: is missing'],
  },
  'a service principal without a secret': {
    values: {
      azureIdentities: {
        web: { type: 1, namespace: 'pay', clientID: 'c', tenantID: 't', binding: { selector: 'web' } },
      },
    },
    says: ['azureIdentities.web.clientPassword: is missing'],
  },
  'two identities with the same names': {
    values: {
      azureIdentities: {
        one: { type: 0, namespace: 'pay', name: 'web', resourceID: '/x', binding: { selector: 'web' } },
        other: { type: 0, namespace: 'pay', name: 'web', resourceID: '/y', binding: { selector: 'web' } },
      },
    },
    says: [
      'azureIdentities.other.name: AzureIdentity pay/web is of azureIdentities.one already. Set another name.',
      'azureIdentities.other.binding.name: AzureIdentityBinding pay/web-binding is of azureIdentities.one',
    ],
  },
  'a credential that is none': {
    values: { adminsecret: { clientID: 'c' } },
    says: ['adminsecret.cloud: is missing', 'adminsecret: holds no credential'],
  },
};
