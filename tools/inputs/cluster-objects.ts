// What is read of the objects of Kubernetes.
import type { InputEntry } from './entry.ts';

const editor = 'the editor of its namespace';
const fieldAtBound =
  'the field %s at its limit in one namespace: a pod of another one gets its identity as before';
const inputs = (service: string) => `packages/${service}/test/inputs.test.ts`;
const fields = { [inputs('nmi')]: [fieldAtBound], [inputs('mic')]: [fieldAtBound] };

const group = 'aadpodidentity.k8s.io';
const within = (path: string, ...all: readonly string[]): string[] => all.map((name) => `${path}.${name}`);

export const clusterObjectEntries: readonly InputEntry[] = [
  {
    input: 'names and times of a pod',
    readBy: 'MIC and NMI',
    reads: [
      ...within('NMI:Pod.metadata', 'name', 'namespace', 'uid', 'resourceVersion', 'deletionTimestamp'),
      ...within('MIC:Pod.metadata', 'name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'),
    ],
    writer: `${editor}; times and uid: the API server`,
    howMany:
      'NMI: the pods of its node; MIC: the pods with the label, and others of namespaces that need them',
    cost: '0.3 to 1 KiB',
    charged: 'its namespace',
    othersLose: 'nothing',
    tests: {
      'packages/nmi/src/identify/find-caller.property.test.ts': [
        'whoever is at the other end of a connection is taken for nobody else',
      ],
      ...fields,
    },
  },
  {
    input: 'labels and annotation of a pod',
    readBy: 'MIC and NMI',
    reads: [
      'NMI:Pod.metadata.labels',
      'MIC:Pod.metadata.labels',
      `NMI:Pod.metadata.annotations.${group}/default-identity`,
      'NMI:Pod.metadata.annotations.kubernetes.io/config.mirror',
    ],
    writer: editor,
    howMany: 'as pods; MIC: a room for labels, divided by namespace',
    cost: 'their text; one evaluation of the pod for a change',
    charged: 'its namespace',
    othersLose: 'nothing',
    tests: {
      ...fields,
      'packages/nmi/test/too-large.test.ts': [
        'a pod whose labels are too large keeps its address, gets no token, and is told why',
      ],
    },
  },
  {
    input: 'place and account of a pod',
    readBy: 'MIC and NMI',
    reads: [
      ...within(
        'NMI:Pod.spec',
        'nodeName',
        'hostNetwork',
        'serviceAccountName',
        'runtimeClassName',
        'shareProcessNamespace',
      ),
      'NMI:Pod.metadata.annotations.io.kubernetes.cri.untrusted-workload',
      ...within('MIC:Pod.spec', 'nodeName', 'serviceAccountName'),
    ],
    writer: `${editor}, once, when he creates it; the kubelet of a stolen node: pods without an account`,
    howMany: 'as pods',
    cost: 'mode `rbac`: a review for each pair of account and identity, 10,000 pairs of a namespace',
    charged: 'its namespace',
    othersLose: 'nothing',
    tests: {
      ...fields,
      'packages/nmi/src/access/verdicts.test.ts': ['evicts no verdict of another namespace'],
      'tools/e2e/scenarios/stolen-node.real.test.ts': ['can create no pod with a ServiceAccount, …'],
    },
  },
  {
    input: 'status of a pod',
    readBy: 'MIC and NMI',
    reads: [
      ...within('NMI:Pod.status', 'phase', 'podIP', 'podIPs', 'startTime', 'conditions'),
      ...within('NMI:Pod.status', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'),
      'MIC:Pod.status.phase',
    ],
    writer: 'the kubelet of its node; what its containers do shows in it',
    howMany: 'as pods',
    cost: 'of containers only whether they run is kept',
    charged: 'its namespace',
    othersLose: 'nothing',
    tests: {
      ...fields,
      'packages/nmi/src/identify/running-containers.test.ts': [
        'of a pod with hundreds of containers, …, two are looked at',
      ],
    },
  },
  {
    input: 'Secret of a service principal: these keys, or its only key under any name',
    readBy: 'NMI',
    reads: [
      ...within('Secret.metadata', 'uid', 'resourceVersion'),
      ...within('Secret.data', 'clientSecret', 'certificate', 'tls.crt', 'tls.key', 'password'),
    ],
    writer: `${editor}, where a RoleBinding lets NMI read them`,
    howMany: 'one for an AzureIdentity; proofs: 2 MiB of a namespace, 8 MiB in all',
    cost: 'a GET in 30 s while it is used; certificates: processor time of a process of their own, by namespace',
    charged: 'its namespace',
    othersLose: 'nothing',
    tests: {
      'packages/nmi/test/hostile-secrets.test.ts': [
        '64 Secrets with %s end no NMI, and another namespace gets its tokens',
      ],
    },
  },
  {
    input: 'Namespace',
    readBy: 'MIC and NMI',
    reads: [
      ...within('Namespace.metadata', 'name', 'uid', 'resourceVersion', 'labels'),
      `Namespace.metadata.annotations.${group}/identity-access`,
    ],
    writer: 'an administrator, or whoever may create Namespaces',
    howMany: 'all of the cluster; labels: 4 MiB in NMI, 8 MiB in MIC',
    cost: 'its labels as text',
    charged: 'the Namespace: the longest labels are dropped first',
    othersLose: 'nothing with labels of less than three quarters of the room, divided by their number',
    tests: {
      ...fields,
      'packages/kit/src/core/namespace-labels.test.ts': [
        'short labels stay, whatever Namespaces others create, and of equally long ones the older',
      ],
    },
  },
  {
    input: 'Node',
    readBy: 'MIC and NMI',
    reads: [
      ...within('Node.metadata', 'name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'),
      ...within('Node.spec', 'providerID', 'taints'),
    ],
    writer: 'administrators, the kubelet of the node, the cloud’s controllers',
    howMany: 'the nodes of the cluster',
    cost: 'its size; a host in MIC',
    charged: 'nobody: trusted',
    othersLose: 'identities of the pods of that node',
    tests: {
      'packages/mic/src/plan/startup-taint.test.ts': [
        'it stays (…) while …: the status is one of an earlier node of this name',
      ],
    },
  },
  {
    input: 'pods of NMI and of the canary',
    readBy: 'MIC',
    reads: [
      ...within(
        'MIC:agent.metadata',
        'name',
        'namespace',
        'uid',
        'resourceVersion',
        'creationTimestamp',
        'deletionTimestamp',
        'ownerReferences',
      ),
      ...within('MIC:agent.spec', 'nodeName'),
      ...within('MIC:agent.status', 'phase', 'conditions'),
    ],
    writer: 'the DaemonSet controller and the kubelet, in the namespace of the services',
    howMany: 'one or two of a node',
    cost: 'its size',
    charged: 'nobody: trusted',
    othersLose: 'the start-up taint of a node',
    tests: {
      'packages/mic/test/startup-taint.test.ts': [
        "a pod of another namespace with NMI's name, labels and owner removes no taint",
      ],
    },
  },
  {
    input: 'Lease, ConfigMaps of hosts',
    readBy: 'MIC',
    reads: [
      ...within('Lease.metadata', 'name', 'resourceVersion'),
      ...within(
        'Lease.spec',
        'holderIdentity',
        'leaseDurationSeconds',
        'acquireTime',
        'renewTime',
        'leaseTransitions',
      ),
    ],
    writer: 'MIC, and whoever may write in its namespace',
    howMany: 'one Lease, a ConfigMap for each host',
    cost: 'read whole at the start of a term; at most 1 MiB each',
    charged: 'nobody: the namespace of the services is an administrator’s',
    othersLose: 'whoever writes there can stop MIC, and make it forget what it attached',
    tests: {
      'packages/mic/src/snapshot/facts/host-record.test.ts': [
        'whatever ids people write and ARM refuses, the record fits into a ConfigMap',
      ],
    },
  },
  {
    input: 'lock of the original’s MIC',
    readBy: 'MIC',
    reads: ['Endpoints.metadata.annotations.control-plane.alpha.kubernetes.io/leader'],
    writer: 'whoever may write Endpoints in its namespace (`edit`, on Kubernetes up to 1.21)',
    howMany: 'one',
    cost: 'the first start waits 5 minutes at most',
    charged: 'nobody',
    othersLose: 'five minutes, once',
    tests: {
      'packages/mic/src/compat/original-watch.test.ts': [
        'attack: a forged lock that is renewed forever delays it by 5 minutes, and then raises the alarm',
      ],
    },
  },
  {
    input: 'verdict of a review',
    readBy: 'MIC and NMI',
    reads: ['SubjectAccessReview.kind', ...within('SubjectAccessReview.status', 'allowed', 'denied')],
    writer: 'the API server and its authorizers',
    howMany: 'one for each pair that is used, 16 for a request',
    cost: 'a POST; 75 a second for a namespace and node',
    charged: 'the namespace of the account',
    othersLose: 'their turn',
    tests: {
      'packages/nmi/test/access-attacks.test.ts': ['reviews that come to nothing'],
      'packages/nmi/src/access/verdicts.test.ts': [
        'keeps pods of other namespaces waiting for one question at most',
      ],
    },
  },
];
