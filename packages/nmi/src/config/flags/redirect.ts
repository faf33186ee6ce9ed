import type { FlagReading } from '@pod-identity/kit/core';
import { added, changed, dropped, type NmiFlag } from './flag.ts';

/** How calls get here. */
export const redirectFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'interception',
      kind: 'string',
      default: 'redirect',
      choices: ['redirect', 'bind-address', 'none'],
      help: 'How requests of pods to the metadata service get here. redirect: by rules of the firewall that this program keeps. bind-address: something else leads them to --nmi-listen-address (Cilium LocalRedirectPolicy). none: programs are told where to ask (AZURE_POD_IDENTITY_AUTHORITY_HOST).',
    },
    'not every network lets an agent write firewall rules',
  ),
  added(
    {
      name: 'firewall',
      kind: 'string',
      default: 'auto',
      choices: ['auto', 'nftables', 'iptables'],
      help: 'Which of the two keeps the redirect rules. auto: nftables where its program is there and works, else iptables.',
    },
    'the original knows iptables only',
  ),
  changed(
    {
      name: 'ipt-update-interval-sec',
      kind: 'integer',
      min: 1,
      default: 5,
      help: 'Seconds between checks of the redirect rules.',
    },
    'a firewall that was reloaded let pods pass for up to 60 seconds',
  ),
  changed(
    {
      name: 'enable-conntrack-deletion',
      kind: 'boolean',
      default: true,
      help: 'Forget connections to the metadata service that are older than the redirect rules, where conntrack is there. They are cut in any case.',
    },
    'it is on by default',
  ),
  added(
    {
      name: 'startup-taint',
      kind: 'string',
      default: '',
      help: 'Key of a taint that is taken off the node once a request by way of the rules was answered. Empty: no taint is touched. Only for clusters without MIC, which takes it off otherwise; NMI then needs the rights of deploy/nmi-startup-taint.',
    },
    'pods that start before the agent reach the identities of the machine; without MIC nobody else can tell when they may',
  ),
  added(
    {
      name: 'persist',
      kind: 'boolean',
      default: false,
      help: 'For the command install-redirect: also write to the host a unit of systemd that loads the rules before the kubelet starts. uninstall-redirect removes it.',
    },
    'after a restart of the node pods that are bound to it start before the agent',
  ),
  added(
    {
      name: 'host-etc',
      kind: 'string',
      default: '/host/etc',
      help: "Where the host's /etc is mounted, for --persist and uninstall-redirect.",
    },
    'see --persist',
  ),
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
