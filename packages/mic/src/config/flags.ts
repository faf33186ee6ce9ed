import {
  apiServerFlags,
  changedFlag,
  droppedFlag,
  forceNamespacedFlag,
  helpFlags,
  identityAccessFlag,
  keptFlag,
  klogFlags,
  logFlags,
  metricsFlags,
  newFlag,
  probeFileFlag,
  probeFlags,
  value,
  type FlagValues,
} from '@pod-identity/kit/core';

const { text, truth, integer, number, duration, list, objectName, mapped } = value;

const connections = {
  kubeconfig: keptFlag('kubeconfig', text(), {
    help: 'Path of a kubeconfig file. Default: the in-cluster settings.',
  }),
  ...apiServerFlags,
  cloudConfigPath: changedFlag('cloudconfig', text(), {
    help: 'Path of azure.json; the environment (CLOUD, TENANT_ID, CLIENT_ID, …) is read if it is not set.',
    why: 'also read again when the file is replaced by a rename; a new file with problems is logged and the old one stays in force',
  }),
  kubeQps: changedFlag('clientQps', number(1000, { min: 1 }), {
    help: 'Requests a second to the API server, and also the burst.',
    why: "with the original's 5 the API client was the bottleneck; Priority and Fairness in the API server limits load better",
  }),
  writesPerHost: keptFlag('createDeleteBatch', integer(20, { min: 1 }), {
    help: 'Concurrent writes of AzureAssignedIdentity for each VM or scale set.',
  }),
  userAgentSuffix: keptFlag('custom-user-agent', text(''), {
    help: 'Added to the user agent of every request.',
  }),
};

const behaviour = {
  forceNamespaced: forceNamespacedFlag,
  /** Lower case. */
  immutableClientIds: keptFlag(
    'immutable-user-msis',
    mapped(list(), (ids): ReadonlySet<string> => new Set(ids.map((id) => id.toLowerCase()))),
    { help: 'Client ids of identities that are never detached from a VM or scale set.' },
  ),
  resyncMs: keptFlag('syncRetryDuration', duration('1h', { min: 1000 }), {
    help: 'Maximum time between two full plans, with or without events.',
  }),
  driftPeriodMs: changedFlag('identity-assignment-reconcile-interval', duration('3m', { min: 1000 }), {
    help: 'How long the state that Azure reported for a host is used before it is read again (the drift period).',
    why: 'each host is reconciled independently; one that fails does not delay others',
  }),
  detachGraceMs: newFlag('detach-grace-period', duration('5m', { min: 0 }), {
    help: 'How long an identity that no pod needs stays on its host.',
  }),
  namespaceShareBytes: newFlag(
    'namespace-share',
    mapped(integer(1024, { min: 16 }), (kib) => kib * 1024),
    {
      help: 'Limit in KiB for the specs of the AzureIdentities of one namespace, as JSON with 256 bytes more for each; the same limit applies separately to its bindings. The oldest objects count. The same value is needed in NMI.',
    },
  ),
  access: {
    mode: identityAccessFlag,
    recheckMs: newFlag('access-recheck', duration('5m', { min: 10_000 }), {
      help: 'Each right that pods use is reviewed again within this time. What a withdrawn right had attached is given back after two refusals and --detach-grace-period.',
      why: 'see --identity-access',
    }),
  },
};

/** The start-up taint, and the pods of NMI. */
const nodes = {
  startupTaint: newFlag('startup-taint', text('aadpodidentity.k8s.io/nmi-not-ready'), {
    help: "Key of a taint that is removed from a node when NMI's pod on it is ready. Empty: no node is changed.",
    why: 'pods that start before NMI reach the identities of the machine',
  }),
  nmi: newFlag('nmi-daemonset', objectName(), {
    help: "DaemonSet of NMI, as NAMESPACE/NAME; only its pods count as NMI for --startup-taint. Default: `nmi` in MIC's own namespace, unless that is `default`: there the flag must be set, because anyone who may create pods in the namespace can have the taint removed.",
  }),
};

const leadership = {
  leader: {
    identity: keptFlag('leader-election-instance', text(), {
      help: 'Name of this process in the Lease. Default: the host name.',
    }),
    namespace: changedFlag('leader-election-namespace', text(), {
      help: "Namespace of the Lease. Default: MIC's own (MIC_POD_NAMESPACE).",
      why: "the original's default was `default`",
    }),
    name: keptFlag('leader-election-name', text('aad-pod-identity-mic'), { help: 'Name of the Lease.' }),
    durationMs: keptFlag('leader-election-duration', duration('15s', { min: 1000 }), {
      help: 'Duration of the Lease. The leader renews it within half of this time; other processes try to get it every quarter.',
    }),
  },
  originalLock: newFlag('original-lock', objectName('default/aad-pod-identity-mic'), {
    help: "Endpoints object that the original's MICs use for leader election, as NAMESPACE/NAME. While it is renewed, the first start of our MIC in a cluster waits, at most 5 minutes; later starts do not wait, and the leader logs a warning. Empty: no check.",
  }),
};

/** The source of parsing, --help and the documentation. */
export const micFlags = {
  settings: {
    ...connections,
    ...behaviour,
    ...nodes,
    ...leadership,
    health: probeFlags,
    probeFile: probeFileFlag,
    metrics: metricsFlags(8888),
    log: logFlags,
    words: helpFlags,
  },
  dropped: [
    droppedFlag(
      'enable-type-upgrade',
      truth(true),
      'objects with the field names of 2018 are read as they are, and never rewritten',
    ),
    droppedFlag('config-map-name', text(), 'as above: no upgrade is recorded'),
    droppedFlag('type-upgrade-status-key', text(), 'as above'),
    droppedFlag(
      'update-user-msi-max-retry',
      integer(0),
      'rejected identities are read from the response or found by bisecting the list, in the same pass',
    ),
    droppedFlag('update-user-msi-retry-interval', duration('0'), 'as above: nothing waits for a retry'),
    droppedFlag('enableScaleFeatures', truth(true), 'deprecated in the original; the features are always on'),
    droppedFlag('startup-taint-waits-for', text(), "the start-up taint waits for NMI's DaemonSet alone"),
    droppedFlag(
      'debounce',
      text(),
      'changes of a host within 50 ms are combined, 500 ms if it was changed lately',
    ),
    droppedFlag('debounce-max', text(), 'as above: 5 s after the first change at the latest'),
    droppedFlag('canary-daemonset', text(), 'there is no canary any more'),
    droppedFlag(
      'enableProfile',
      truth(false),
      'Go profiles do not exist here; use `node --cpu-prof` and the event-loop metrics',
    ),
    ...klogFlags,
  ],
};

export type MicFlagValues = FlagValues<(typeof micFlags)['settings']>;
