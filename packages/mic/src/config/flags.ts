import { droppedFlags } from './dropped-flags.ts';
import type { MicFlag } from './mic-flag.ts';
import { nodeFlags } from './node-flags.ts';
import { servingFlags } from './serving-flags.ts';
import { tracingFlags } from './tracing-flags.ts';

const minuteMs = 60_000;

const connections: readonly MicFlag[] = [
  {
    name: 'kubeconfig',
    kind: 'string',
    default: undefined,
    fate: 'kept',
    help: 'Path of a kubeconfig file. Default: the in-cluster settings.',
  },
  {
    name: 'master',
    kind: 'string',
    default: undefined,
    fate: 'new',
    help: 'URL of the API server, called with the token in --service-account-dir. Default: the in-cluster address.',
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
    help: 'Path of azure.json; the environment (CLOUD, TENANT_ID, CLIENT_ID, …) is read if it is not set.',
    note: 'also read again when the file is replaced by a rename; a new file with problems is logged and the old one stays in force',
  },
  {
    name: 'clientQps',
    kind: 'number',
    default: 1000,
    min: 1,
    fate: 'changed',
    help: 'Requests a second to the API server, and also the burst.',
    note: "with the original's 5 the API client was the bottleneck; Priority and Fairness in the API server limits load better",
  },
  {
    name: 'createDeleteBatch',
    kind: 'integer',
    default: 20,
    min: 1,
    fate: 'kept',
    help: 'Concurrent writes of AzureAssignedIdentity for each VM or scale set.',
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
    note: 'on by default; in the original any pod could use identities of other namespaces with a label',
    help: 'A pod may use only identities and bindings of its own namespace. Must be the same for NMI.',
  },
  {
    name: 'immutable-user-msis',
    kind: 'list',
    default: [],
    fate: 'kept',
    help: 'Client ids of identities that are never detached from a VM or scale set.',
  },
  {
    name: 'syncRetryDuration',
    kind: 'duration',
    default: 60 * minuteMs,
    min: 1000,
    fate: 'kept',
    help: 'Maximum time between two full plans, with or without events.',
  },
  {
    name: 'identity-assignment-reconcile-interval',
    kind: 'duration',
    default: 3 * minuteMs,
    min: 1000,
    fate: 'changed',
    help: 'How long the state that Azure reported for a host is used before it is read again (the drift period).',
    note: 'each host is reconciled independently; one that fails does not delay others',
  },
  {
    name: 'detach-grace-period',
    kind: 'duration',
    default: 5 * minuteMs,
    min: 0,
    fate: 'new',
    help: 'How long an identity that no pod needs stays on its host.',
  },
  {
    name: 'namespace-share',
    kind: 'integer',
    default: 8192,
    min: 16,
    fate: 'new',
    help: 'Limit in KiB for the memory that the AzureIdentities of one namespace take in MIC; the same limit applies separately to its bindings. The newest objects over the limit are ignored.',
  },
  {
    name: 'debounce',
    kind: 'duration',
    default: 50,
    min: 0,
    fate: 'new',
    help: 'MIC combines changes to a host in one PATCH, sent when no further change came for this long. The time doubles after each PATCH in quick succession, up to a tenth of --debounce-max.',
  },
  {
    name: 'debounce-max',
    kind: 'duration',
    default: 5000,
    min: 0,
    fate: 'new',
    help: 'Maximum delay of a PATCH after the first change.',
  },
];

const access: readonly MicFlag[] = [
  {
    name: 'identity-access',
    kind: 'string',
    default: 'namespace',
    choices: ['namespace', 'warn', 'rbac'],
    fate: 'new',
    help: "Who decides which pods may use an Azure identity. namespace: whoever may write an AzureIdentity in the pods' namespace. rbac: Kubernetes' RBAC, by the right to use the identity itself. warn: as namespace, and pods that rbac would refuse are reported. The annotation aadpodidentity.k8s.io/identity-access of a Namespace makes it stricter for its pods. Must be the same for NMI.",
    note: 'in the original, whoever may write an AzureIdentity may use any identity that MIC can attach',
  },
  {
    name: 'access-recheck',
    kind: 'duration',
    default: 5 * minuteMs,
    min: 10_000,
    fate: 'new',
    help: 'Each right that pods use is reviewed again within this time. What a withdrawn right had attached is given back after two refusals and --detach-grace-period.',
    note: 'see --identity-access',
  },
];

const leadership: readonly MicFlag[] = [
  {
    name: 'leader-election-instance',
    kind: 'string',
    default: undefined,
    fate: 'kept',
    help: 'Name of this process in the Lease. Default: the host name.',
  },
  {
    name: 'leader-election-namespace',
    kind: 'string',
    default: undefined,
    fate: 'changed',
    help: "Namespace of the Lease. Default: MIC's own (MIC_POD_NAMESPACE).",
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
    help: 'Duration of the Lease. The leader renews it within half of this time; other processes try to get it every quarter.',
  },
  {
    name: 'original-lock',
    kind: 'string',
    default: 'default/aad-pod-identity-mic',
    fate: 'new',
    help: "Endpoints object that the original's MICs use for leader election, as NAMESPACE/NAME. While it is renewed, the first start of our MIC in a cluster waits, at most 5 minutes; later starts do not wait, and the leader logs a warning. Empty: no check.",
  },
];

const upgrade: readonly MicFlag[] = [
  {
    name: 'enable-type-upgrade',
    kind: 'boolean',
    default: true,
    fate: 'kept',
    help: 'Rewrite stored objects that use the field names of 2018 to the current ones.',
  },
  {
    name: 'config-map-name',
    kind: 'string',
    default: 'aad-pod-identity-config',
    fate: 'kept',
    help: "ConfigMap in MIC's own namespace that records which upgrade was done.",
  },
  {
    name: 'type-upgrade-status-key',
    kind: 'string',
    default: 'type-upgrade-status',
    fate: 'kept',
    help: 'Key in that ConfigMap.',
  },
];

/** The source of parsing, --help and the documentation. */
export const micFlags: readonly MicFlag[] = [
  ...connections,
  ...behaviour,
  ...access,
  ...nodeFlags,
  ...leadership,
  ...servingFlags,
  ...tracingFlags,
  ...upgrade,
  ...droppedFlags,
];
