// Values for the tests: what each stands for, and the version of Kubernetes it is rendered for.
import type { Rendering } from './render.ts';

/** Their rendered text is kept in golden/. */
export const goldenSets: Readonly<Record<string, Rendering>> = {
  'defaults-1.36': { kubeVersion: '1.36' },
  'defaults-1.22': { kubeVersion: '1.22' },
  'defaults-1.20': { kubeVersion: '1.20' },
  'managed-1.36': {
    kubeVersion: '1.36',
    values: { operationMode: 'managed', startupTaint: 'aadpodidentity.k8s.io/nmi-not-ready' },
  },
  'original-values-1.30': {
    kubeVersion: '1.30',
    values: {
      // As texts, which the original's file has too.
      forceNamespaced: 'false',
      image: { repository: 'registry.example/oss/pod-identity', imagePullPolicy: 'Always' },
      imagePullSecrets: [{ name: 'registry' }],
      installMICException: true,
      identityAccess: { mode: 'warn', allowExceptionsIn: [], machineRights: true },
      customUserAgent: 'contoso',
      mic: {
        tag: '0.1.1',
        logVerbosity: 5,
        loggingFormat: 'json',
        priorityClassName: '',
        podAnnotations: { 'example/note': 'yes' },
        podLabels: { team: 'platform' },
        tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        topologySpreadConstraints: [{ topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
        podDisruptionBudget: { minAvailable: 1 },
        leaderElection: { instance: 'i', namespace: 'locks', name: 'n', duration: '20s' },
        originalLock: '',
        upgradeOldSpellings: true,
        probePort: 8090,
        prometheusPort: 8891,
        syncRetryDuration: '1800s',
        immutableUserMSIs: ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'],
        createDeleteBatch: '10',
        clientQps: 100,
        identityAssignmentReconcileInterval: '5m',
        customCloud: { enabled: true },
        extraArgs: ['--debounce=1s'],
        extraEnv: [
          { name: 'TZ', value: 'UTC' },
          { name: 'NODE_OPTIONS', value: '--max-old-space-size=1000' },
        ],
      },
      nmi: {
        updateStrategy: { type: 'OnDelete' },
        ipTableUpdateTimeIntervalInSeconds: '30',
        prometheusPort: 9091,
        enableScaleFeatures: 'false',
        blockInstanceMetadata: 'true',
        metadataHeaderRequired: false,
        enableConntrackDeletion: false,
        bootGuard: true,
        extraArgs: ['--hold=10s'],
      },
      rbac: { allowAccessToSecrets: true, createUserFacingClusterRoles: true },
    },
  },
  'identities-1.30': {
    kubeVersion: '1.30',
    values: {
      adminsecret: { cloud: 'AzurePublicCloud', useMSI: true },
      startupTaint: 'example/not-ready',
      canary: { enabled: true, holdsStartupTaint: true },
      rbac: { allowAccessToSecrets: ['pay'] },
      azureIdentities: {
        vault: {
          namespace: 'pay',
          type: 0,
          resourceID:
            '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/Pay/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Vault',
          clientID: '00000000-0000-0000-0000-00000000c11d',
          binding: { name: 'vault-for-web', selector: 'web' },
          serviceAccounts: ['web', '*'],
        },
        app: {
          namespace: 'pay',
          name: 'reports',
          type: 1,
          tenantID: '00000000-0000-0000-0000-00000000ad00',
          clientID: '00000000-0000-0000-0000-00000000c22d',
          clientPassword: { name: 'reports', namespace: 'pay' },
          auxiliaryTenantIDs: ['00000000-0000-0000-0000-00000000ad01'],
          binding: { selector: 'reports' },
          serviceAccounts: ['reports'],
        },
      },
    },
  },
  'removal-1.36': { kubeVersion: '1.36', values: { nmi: { removeRules: true } } },
};

export interface Refusal {
  readonly values: object;
  /** Parts of the message. */
  readonly says: readonly string[];
  readonly kubeVersion?: string;
}

/** By the schema: helm has a text of its own for each, which differs between its versions. */
export const schemaRefusals: Readonly<Record<string, Refusal>> = {
  'an unknown value': {
    values: { identityAcess: { mode: 'namespace' } },
    says: ['identityAcess', 'not allowed'],
  },
  'an unknown value of MIC': { values: { mic: { replica: 3 } }, says: ['mic', 'replica', 'not allowed'] },
  'a mode that does not exist': {
    values: { identityAccess: { mode: 'RBAC' } },
    says: ['identityAccess', 'rbac', 'warn', 'namespace'],
  },
  'an operation mode that does not exist': {
    values: { operationMode: 'Managed' },
    says: ['operationMode', 'standard', 'managed'],
  },
  'a port that is none': { values: { mic: { probePort: 70_000 } }, says: ['probePort', '65'] },
  'a port as a list': { values: { nmi: { probePort: [8085] } }, says: ['probePort', 'integer'] },
  'a duration without a unit': {
    values: { mic: { syncRetryDuration: '3600' } },
    says: ['syncRetryDuration', 'ms|s|m|h'],
  },
  'a taint with a quote': { values: { startupTaint: 'a"b' }, says: ['startupTaint', '[-a-z0-9.]'] },
  'a namespace with capital letters': {
    values: { identityAccess: { allowExceptionsIn: ['Kube-System'] } },
    says: ['allowExceptionsIn', '[a-z0-9]'],
  },
  'an identity without a selector': {
    values: { azureIdentities: { web: { type: 0, namespace: 'pay', resourceID: '/x', binding: {} } } },
    says: ['azureIdentities', 'binding', 'selector'],
  },
  'Kubernetes before 1.20': { values: {}, kubeVersion: '1.19', says: ['>=1.20.0-0', '1.19'] },
};

/** By the templates, with our texts. */
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
      'nmi.extraArgs',
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
  'a start-up taint that waits for no canary': {
    values: { startupTaint: 'a/b', canary: { holdsStartupTaint: true } },
    says: ['canary.holdsStartupTaint: needs canary.enabled true'],
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
