import { droppedFlags } from './dropped-flags.ts';
import type { MicFlag } from './mic-flag.ts';
import { servingFlags } from './serving-flags.ts';

const minuteMs = 60_000;

const connections: readonly MicFlag[] = [
  {
    name: 'kubeconfig',
    kind: 'string',
    default: undefined,
    fate: 'kept',
    help: 'Path of a kubeconfig; in-cluster settings without it.',
  },
  {
    name: 'master',
    kind: 'string',
    default: undefined,
    fate: 'new',
    help: 'URL of the API server, to be asked with the token in --service-account-dir. Unless given: what Kubernetes tells the pod.',
  },
  {
    name: 'service-account-dir',
    kind: 'string',
    default: '/var/run/secrets/kubernetes.io/serviceaccount',
    fate: 'new',
    help: 'Folder with the token of the service account, and ca.crt, the certificate of the authority that signs for the API server.',
  },
  {
    name: 'cloudconfig',
    kind: 'string',
    default: undefined,
    fate: 'changed',
    help: 'Path of azure.json; the environment (CLOUD, TENANT_ID, CLIENT_ID, …) is read without it.',
    note: 'also read again when the file is replaced by a rename; a new file with problems is logged and the old one stays in force',
  },
  {
    name: 'clientQps',
    kind: 'number',
    default: 1000,
    min: 1,
    fate: 'changed',
    help: 'Requests a second to the API server, and the burst.',
    note: "the original's 5 made the API client the bottleneck; priority and fairness in the API server does this better",
  },
  {
    name: 'createDeleteBatch',
    kind: 'integer',
    default: 20,
    min: 1,
    fate: 'kept',
    help: 'Writes of AzureAssignedIdentity under way at a time for each VM or scale set.',
  },
  {
    name: 'custom-user-agent',
    kind: 'string',
    default: '',
    fate: 'kept',
    help: 'Added to the user agent of every request.',
  },
];

const behaviour: readonly MicFlag[] = [
  {
    name: 'forceNamespaced',
    aliases: ['force-namespaced'],
    kind: 'boolean',
    default: true,
    env: 'FORCENAMESPACED',
    fate: 'changed',
    note: 'it is on by default: in the original any pod could take the identities of other namespaces by a label',
    help: 'A pod may use only identities and bindings of its own namespace. Must be the same for NMI.',
  },
  {
    name: 'immutable-user-msis',
    kind: 'list',
    default: [],
    fate: 'kept',
    help: 'Client ids of identities that are never taken off a VM or scale set.',
  },
  {
    name: 'syncRetryDuration',
    kind: 'duration',
    default: 60 * minuteMs,
    min: 1000,
    fate: 'kept',
    help: 'The whole plan is made again at least this often, events or not.',
  },
  {
    name: 'identity-assignment-reconcile-interval',
    kind: 'duration',
    default: 3 * minuteMs,
    min: 1000,
    fate: 'changed',
    help: 'How long what Azure reported of a host counts (the drift period).',
    note: 'hosts are looked at each in their own time, and one that fails holds up no other',
  },
  {
    name: 'detach-grace-period',
    kind: 'duration',
    default: 5 * minuteMs,
    min: 0,
    fate: 'new',
    help: 'An identity that no pod needs stays on its host for so long.',
  },
  {
    name: 'namespace-share',
    kind: 'integer',
    default: 8192,
    min: 16,
    fate: 'new',
    help: 'KiB that the AzureIdentities of one namespace may take, its bindings and the AzureAssignedIdentities that MIC does not need each as much. The youngest objects over it are left out.',
  },
  {
    name: 'debounce',
    kind: 'duration',
    default: 50,
    min: 0,
    fate: 'new',
    help: 'Changes that come together are one PATCH: the first change of a quiet host waits for so long without another one, and twice as long after each PATCH in quick succession, up to a tenth of --debounce-max.',
  },
  {
    name: 'debounce-max',
    kind: 'duration',
    default: 5000,
    min: 0,
    fate: 'new',
    help: 'But never longer than this after the first change.',
  },
];

const startup: readonly MicFlag[] = [
  {
    name: 'startup-taint',
    kind: 'string',
    default: 'aadpodidentity.k8s.io/nmi-not-ready',
    fate: 'new',
    help: "Key of a taint that is taken off a node as soon as NMI's pod on it is ready. Empty: no node is changed.",
    note: 'pods that start before NMI reach the identities of the machine',
  },
  {
    name: 'nmi-daemonset',
    kind: 'string',
    default: undefined,
    fate: 'new',
    help: "DaemonSet of NMI, whose pods alone count for --startup-taint, as NAMESPACE/NAME; `nmi` in MIC's own namespace without it. Whoever may create pods in its namespace can have the taint removed: in the namespace `default` it has to be named.",
  },
];

const leadership: readonly MicFlag[] = [
  {
    name: 'leader-election-instance',
    kind: 'string',
    default: undefined,
    fate: 'kept',
    help: 'How this process is called in the Lease; the host name without it.',
  },
  {
    name: 'leader-election-namespace',
    kind: 'string',
    default: undefined,
    fate: 'changed',
    help: "Namespace of the Lease; MIC's own (MIC_POD_NAMESPACE) without it.",
    note: "the original's default was `default`",
  },
  {
    name: 'leader-election-name',
    kind: 'string',
    default: 'aad-pod-identity-mic',
    fate: 'kept',
    help: 'Name of the Lease.',
  },
  {
    name: 'leader-election-duration',
    kind: 'duration',
    default: 15_000,
    min: 1000,
    fate: 'kept',
    help: 'How long the Lease holds; renewed within half of it, tried for every quarter.',
  },
  {
    name: 'original-lock',
    kind: 'string',
    default: 'default/aad-pod-identity-mic',
    fate: 'new',
    help: "Endpoints by which the original's MICs elect their leader, as NAMESPACE/NAME. While they are renewed, the first start of our MIC in a cluster waits, 5 minutes at most; later starts do not wait, and a leader warns. Empty: no look at them.",
  },
];

const upgrade: readonly MicFlag[] = [
  {
    name: 'enable-type-upgrade',
    kind: 'boolean',
    default: true,
    fate: 'kept',
    help: 'Rewrite stored objects in the spelling of 2018 to the present one.',
  },
  {
    name: 'config-map-name',
    kind: 'string',
    default: 'aad-pod-identity-config',
    fate: 'kept',
    help: "ConfigMap in MIC's own namespace that says which upgrade was done.",
  },
  {
    name: 'type-upgrade-status-key',
    kind: 'string',
    default: 'type-upgrade-status',
    fate: 'kept',
    help: 'Its key.',
  },
];

/** The one list that parsing, --help and the documentation are made from. */
export const micFlags: readonly MicFlag[] = [
  ...connections,
  ...behaviour,
  ...startup,
  ...leadership,
  ...servingFlags,
  ...upgrade,
  ...droppedFlags,
];
