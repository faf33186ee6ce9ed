import type { FlagReading } from '@pod-identity/kit/core';
import { added, changed, dropped, type NmiFlag } from './flag.ts';

/** How calls get here. */
export const redirectFlags: readonly NmiFlag[] = [
  added({
    name: 'interception',
    kind: 'string',
    default: 'redirect',
    choices: ['redirect', 'bind-address', 'none'],
    help: 'How requests of pods to the metadata service reach NMI. redirect: through firewall rules that NMI maintains. bind-address: something else redirects them to --nmi-listen-address (Cilium LocalRedirectPolicy). none: programs must call the URL in AZURE_POD_IDENTITY_AUTHORITY_HOST.',
    why: 'some networks do not allow an agent to write firewall rules',
  }),
  added({
    name: 'firewall',
    kind: 'string',
    default: 'auto',
    choices: ['auto', 'nftables', 'iptables'],
    help: 'Firewall for the redirect rules. auto: nftables if its program exists and works, otherwise iptables.',
    why: 'the original supports only iptables',
  }),
  changed({
    name: 'ipt-update-interval-sec',
    kind: 'integer',
    min: 1,
    default: 5,
    help: 'Seconds between checks of the redirect rules.',
    why: 'with the original’s 60, pods could bypass NMI for up to 60 seconds after a firewall reload',
  }),
  changed({
    name: 'enable-conntrack-deletion',
    kind: 'boolean',
    default: true,
    help: 'Delete conntrack entries of connections to the metadata service that are older than the redirect rules, if the program conntrack exists. Such connections are closed in any case.',
    why: 'it is on by default',
  }),
  added({
    name: 'startup-taint',
    kind: 'string',
    default: '',
    help: 'Key of a taint that NMI removes from its node when a test request through the rules succeeded. Empty: no taint is removed. Only for clusters without MIC, which otherwise removes it; NMI needs the rights in deploy/components/nmi-startup-taint.',
    why: 'pods that start before NMI reach the identities of the machine; without MIC, NMI must remove the taint itself',
  }),
  added({
    name: 'persist',
    kind: 'boolean',
    default: false,
    help: 'For the command install-redirect: also write a systemd unit to the host that loads the rules before the kubelet starts. uninstall-redirect removes it.',
    why: 'after a node restart, pods that are bound to the node can start before NMI',
  }),
  added({
    name: 'host-etc',
    kind: 'string',
    default: '/host/etc',
    help: "Where the host's /etc is mounted, for --persist and uninstall-redirect.",
    why: 'see --persist',
  }),
  dropped(
    { name: 'allow-network-plugin-kubenet', kind: 'boolean', default: false },
    'the kubelet configuration is not read',
  ),
  dropped(
    { name: 'kubelet-config', kind: 'string', default: '/etc/default/kubelet' },
    'the kubelet configuration is not read',
  ),
];

/** What `--interception=none` leaves open. */
export function interceptionWarnings(reading: FlagReading): string[] {
  return reading.string('interception') === 'none'
    ? [
        '--interception=none: nothing leads calls of pods here. Programs that ignore AZURE_POD_IDENTITY_AUTHORITY_HOST (azidentity, adal, ' +
          'msrestazure, ms-rest-azure, ms-rest-nodeauth, google-auth-library and others) ask the metadata service of the machine itself, which gives ' +
          'them tokens of any of its identities: keep pods from it by other means, and see what nmi check-ready says in a pod (docs/operations.md)',
      ]
    : [];
}
