// What is read of AAD Pod Identity's own kinds.
import type { InputEntry } from './entry.ts';

const editor = 'the editor of its namespace';
const nothing = 'nothing';
const share =
  '`--namespace-share` for each kind (heap), 16 MiB in NMI and 48 MiB for each kind in MIC for all namespaces';
const largestLose = `${nothing}: the namespaces with most lose objects, and are told`;
const theNamespace = 'its namespace';
const nmiAtBound = 'packages/nmi/test/inputs.test.ts';
const micAtBound = 'packages/mic/test/inputs.test.ts';
const fieldAtBound =
  'the field %s at its limit in one namespace: a pod of another one gets its identity as before';
const manyObjects = {
  'tools/e2e/scenarios/many-objects.long.test.ts': [
    'NMI starts again with all these objects, and serves the pod',
  ],
};
const heap = {
  'packages/nmi/test/heap.long.test.ts': ['of five hostile namespaces take no more heap than their bound'],
};
const fields = { [nmiAtBound]: [fieldAtBound], [micAtBound]: [fieldAtBound] };

const names = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
];
const group = 'aadpodidentity.k8s.io';
const identitySpec = [
  'type',
  'resourceID',
  'clientID',
  'clientPassword.name',
  'clientPassword.namespace',
  'tenantID',
  'auxiliaryTenantIDs',
  'adResourceID',
  'adEndpoint',
  'allowedNamespaces',
  'replicas',
];
const bindingSpec = ['azureIdentity', 'selector', 'podSelector', 'serviceAccountName', 'default', 'weight'];
const statuses = ['conditions', 'status', 'availableReplicas'];
const within = (path: string, ...all: readonly string[]): string[] => all.map((name) => `${path}.${name}`);
/** All fields of a copy of an object, or of the object itself. */
const whole = (path: string, annotations: readonly string[], spec: readonly string[]) => [
  ...within(path, 'apiVersion', 'kind'),
  ...within(`${path}.metadata`, ...names),
  ...within(`${path}.metadata.annotations`, ...annotations.map((name) => `${group}/${name}`)),
  ...within(`${path}.spec`, ...spec),
  ...within(`${path}.status`, ...statuses),
];
const identity = (path: string) => whole(path, ['Behavior', 'Behaviour'], identitySpec);
const binding = (path: string) => whole(path, ['default-identity'], bindingSpec);

export const customResourceEntries: readonly InputEntry[] = [
  {
    input: 'AzureIdentity',
    readBy: 'MIC and NMI',
    reads: [
      ...identity('AzureIdentity'),
      ...within('AzureIdentity.metadata.labels', `${group}/Behavior`, `${group}/Behaviour`),
    ],
    writer: editor,
    howMany: share,
    cost: 'its size in the heap; MIC: an identity of the hosts that use it, a condition; NMI: at most 100 for a pod',
    charged: theNamespace,
    othersLose: largestLose,
    tests: {
      ...fields,
      ...manyObjects,
      ...heap,
      'packages/mic/test/left-out.test.ts': [
        'attack: a namespace creates and deletes objects beyond its share without end',
      ],
    },
  },
  {
    input: 'AzureIdentityBinding',
    readBy: 'MIC and NMI',
    reads: binding('AzureIdentityBinding'),
    writer: editor,
    howMany: `${share}; 100 of a namespace count for a pod`,
    cost: 'its size in the heap; each change evaluates the pods that its selector may select, in turns',
    charged: theNamespace,
    othersLose: largestLose,
    tests: {
      ...fields,
      ...manyObjects,
      'packages/nmi/src/authorize/many-bindings.test.ts': [
        'a thousand bindings of one pod cost no more than a hundred',
      ],
    },
  },
  {
    input: 'AzurePodIdentityException',
    readBy: 'NMI',
    reads: whole('AzurePodIdentityException', [], ['podLabels', 'clientIDs']),
    writer: editor,
    howMany: '`--namespace-share`, 2 MiB for all namespaces',
    cost: 'its size in the heap',
    charged: theNamespace,
    othersLose: largestLose,
    tests: {
      [nmiAtBound]: [fieldAtBound],
      ...manyObjects,
      'packages/nmi/test/too-large.test.ts': [
        'an exception with too many client ids frees nothing, above all not every identity of the node',
        'attack: an exception whose misspelt clientID comes after a thousand unknown keys frees nothing, above all not every identity of the node',
      ],
    },
  },
  {
    input: 'AzureAssignedIdentity',
    readBy: 'MIC and NMI',
    reads: [
      ...within('AzureAssignedIdentity', 'apiVersion', 'kind'),
      ...within(
        'AzureAssignedIdentity.metadata',
        ...names,
        'finalizers',
        'ownerReferences',
        'labels.nodename',
      ),
      `AzureAssignedIdentity.metadata.annotations.${group}/pod-uid`,
      ...identity('AzureAssignedIdentity.spec.azureIdentityRef'),
      ...binding('AzureAssignedIdentity.spec.azureBindingRef'),
      ...within('AzureAssignedIdentity.spec', 'pod', 'podNamespace', 'nodename', 'replicas'),
      ...within('AzureAssignedIdentity.status', ...statuses),
    ],
    writer: `${editor}, who may forge one about any pod`,
    howMany: 'any number; MIC keeps those that pods need, NMI none',
    cost: 'MIC: a read in 2 minutes, at most one deletion; NMI: one request to the metadata service in a second at most while a pod waits',
    charged: 'the namespace in which it is',
    othersLose: `${nothing}: it grants nothing, and a pod waits as without it`,
    tests: {
      ...fields,
      'packages/mic/test/forged-records.test.ts': [
        'a record with %s is not taken for one of MIC: the pod gets its own, and NMI sees it',
      ],
      'packages/nmi/src/tokens/metadata/record-hints.test.ts': [
        'attack: of 5,000 records that editors made none is kept',
      ],
    },
  },
];
