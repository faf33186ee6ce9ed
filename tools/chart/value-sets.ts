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
      image: { repository: 'registry.example:5000/oss/pod-identity', imagePullPolicy: 'Always' },
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
        probePort: 8090,
        prometheusPort: 8891,
        syncRetryDuration: '1800s',
        immutableUserMSIs: ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'],
        createDeleteBatch: '10',
        clientQps: 100,
        identityAssignmentReconcileInterval: '5m',
        customCloud: { enabled: true },
        extraArgs: ['--detach-grace-period=1m'],
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
        tag: '0.1.1',
        digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
      },
      rbac: { allowAccessToSecrets: true, createUserFacingClusterRoles: true },
    },
  },
  'identities-1.30': {
    kubeVersion: '1.30',
    values: {
      adminsecret: { cloud: 'AzurePublicCloud', useMSI: true },
      startupTaint: 'example/not-ready',
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
  'federated-1.30': {
    kubeVersion: '1.30',
    values: {
      operationMode: 'managed',
      broker: {
        enabled: true,
        nodeSelector: { 'node-restriction.kubernetes.io/pod-identity-broker': 'true' },
        cloud: 'AzureUSGovernmentCloud',
        extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
      },
      azureIdentities: {
        vault: {
          namespace: 'pay',
          type: 3,
          tenantID: '00000000-0000-0000-0000-00000000AD00',
          clientID: '00000000-0000-0000-0000-00000000c33d',
          binding: { selector: 'web' },
          serviceAccounts: ['web'],
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
  'a cloud that no broker knows': {
    values: { broker: { cloud: 'AzureStackCloud' } },
    says: ['broker', 'cloud', 'AzurePublicCloud'],
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
