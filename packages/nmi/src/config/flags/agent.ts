import {
  apiServerFlags,
  changedFlag,
  helpFlags,
  keptFlag,
  logFlags,
  metricsFlags,
  newFlag,
  port,
  probeFileFlag,
  probeFlags,
  value,
} from '@pod-identity/kit/core';

const { text, truth, integer, oneOf, mapped } = value;

/** Where NMI runs and listens, and what it writes. */
export const agentFlags = {
  words: helpFlags,
  node: keptFlag('node', text(''), {
    help: 'Name of the Kubernetes node that NMI runs on. Required.',
    env: 'NODE_NAME',
  }),
  kubeconfig: newFlag('kubeconfig', text(), {
    help: 'Path of a kubeconfig file. Default: the service account of the pod.',
    why: 'the original reads the variable only',
    env: 'KUBECONFIG',
  }),
  ...apiServerFlags,
  listen: {
    host: keptFlag('nmi-listen-address', text('127.0.0.1'), {
      help: 'Address that redirected requests arrive at.',
    }),
    port: keptFlag('nmi-port', port(2579), {
      help: 'Port that redirected requests arrive at. 0: the system chooses.',
    }),
  },
  metadata: {
    host: keptFlag('metadata-ip', text('169.254.169.254'), {
      help: 'Address of the metadata service of the machine.',
    }),
    port: keptFlag('metadata-port', port(80), { help: 'Port of the metadata service of the machine.' }),
  },
  broker: {
    namespace: newFlag('broker', text(''), {
      help: 'Namespace of the broker, which gets the tokens of federated identities (AzureIdentity type 3). Empty: they cannot be used.',
      why: 'the original has no federated identities',
    }),
    tokenFile: newFlag('broker-token-file', text(''), {
      help: "File with NMI's own token for the broker: a projected token for the audience aad-pod-identity-broker. Required with --broker.",
      why: 'see --broker',
    }),
  },
  probe: probeFlags,
  probeFile: probeFileFlag,
  metrics: metricsFlags(9090),
  audit: newFlag('audit', truth(true), {
    help: 'Log the tokens issued: pod, identity, resource. The first one of each, again once an hour. Never the token.',
    why: 'records which pod used which identity',
  }),
  events: newFlag('events', truth(true), {
    help: 'Create an Event on a pod that is refused a token, at a limited rate.',
    why: 'owners of pods see the reason in kubectl describe pod',
  }),
  log: logFlags,
};

/** How calls get to NMI. */
export const interceptionFlags = {
  interception: newFlag('interception', oneOf('redirect', ['redirect', 'bind-address', 'none']), {
    help: 'How requests of pods to the metadata service reach NMI. redirect: through firewall rules that NMI maintains. bind-address: something else redirects them to --nmi-listen-address (Cilium LocalRedirectPolicy). none: programs must call the URL in AZURE_POD_IDENTITY_AUTHORITY_HOST.',
    why: 'some networks do not allow an agent to write firewall rules',
  }),
  firewall: {
    everyMs: changedFlag(
      'ipt-update-interval-sec',
      mapped(integer(5, { min: 1 }), (seconds) => seconds * 1000),
      {
        help: 'Seconds between checks of the redirect rules.',
        why: 'with the original’s 60, pods could bypass NMI for up to 60 seconds after a firewall reload',
      },
    ),
    cutsOldConnections: changedFlag('enable-conntrack-deletion', truth(true), {
      help: 'Delete conntrack entries of connections to the metadata service that are older than the redirect rules, if the program conntrack exists. Such connections are closed in any case.',
      why: 'it is on by default',
    }),
  },
  /** Key; undefined: none is removed. */
  startupTaint: newFlag(
    'startup-taint',
    mapped(text(''), (key) => (key === '' ? undefined : key)),
    {
      help: 'Key of a taint that NMI removes from its node when a test request through the rules succeeded. Empty: no taint is removed. Only for clusters without MIC, which otherwise removes it; NMI needs the rights in deploy/components/nmi-startup-taint.',
      why: 'pods that start before NMI reach the identities of the machine; without MIC, NMI must remove the taint itself',
    },
  ),
  persist: newFlag('persist', truth(false), {
    help: 'For the command install-redirect: also write a systemd unit to the host that loads the rules before the kubelet starts. uninstall-redirect removes it.',
    why: 'after a node restart, pods that are bound to the node can start before NMI',
  }),
  hostEtc: newFlag('host-etc', text('/host/etc'), {
    help: "Where the host's /etc is mounted, for --persist and uninstall-redirect.",
    why: 'see --persist',
  }),
};
