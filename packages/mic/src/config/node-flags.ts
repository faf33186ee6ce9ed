import type { MicFlag } from './mic-flag.ts';

/** The start-up taint, and the pods of NMI and its canary. */
export const nodeFlags: readonly MicFlag[] = [
  {
    name: 'startup-taint',
    kind: 'string',
    default: 'aadpodidentity.k8s.io/nmi-not-ready',
    fate: 'new',
    help: "Key of a taint that is removed from a node when NMI's pod on it is ready. Empty: no node is changed.",
    note: 'pods that start before NMI reach the identities of the machine',
  },
  {
    name: 'nmi-daemonset',
    kind: 'string',
    default: undefined,
    fate: 'new',
    help: "DaemonSet of NMI, as NAMESPACE/NAME; only its pods count as NMI for --startup-taint and --canary-daemonset. Default: `nmi` in MIC's own namespace, unless that is `default`: there the flag must be set, because anyone who may create pods in the namespace can have the taint removed.",
  },
  {
    name: 'canary-daemonset',
    kind: 'string',
    default: undefined,
    fate: 'new',
    help: 'DaemonSet of the canary (`nmi canary`), as NAMESPACE/NAME. MIC reports nodes on which it is missing or not ready by an Event on the Node, a log line and a metric. Only its pods with the label component=nmi-canary count. Default: canaries are not looked at.',
    note: "NMI's own readiness does not see that calls of pods are led past it",
  },
  {
    name: 'startup-taint-waits-for',
    kind: 'string',
    default: 'nmi',
    choices: ['nmi', 'canary'],
    fate: 'new',
    help: 'What must be ready on a node before its start-up taint is removed. nmi: the pod of NMI. canary: that of the canary too; needs --canary-daemonset.',
    note: 'see --canary-daemonset',
  },
];
