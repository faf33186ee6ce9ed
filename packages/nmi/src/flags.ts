import type { FlagSpec } from '@pod-identity/kit/core';

/** `kept`: as the original's NMI has it. `changed`: means something else in a stated way. `dropped`: taken, without effect. */
export type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

export interface NmiFlag {
  readonly spec: FlagSpec;
  readonly fate: FlagFate;
  /** For everything but `kept`. */
  readonly why: string;
}

const kept = (spec: FlagSpec): NmiFlag => ({ spec, fate: 'kept', why: '' });
const changed = (spec: FlagSpec, why: string): NmiFlag => ({ spec, fate: 'changed', why });
const dropped = (spec: Omit<FlagSpec, 'help'>, why: string): NmiFlag => ({
  spec: { ...spec, help: `No effect: ${why}.` },
  fate: 'dropped',
  why,
});
const added = (spec: FlagSpec, why: string): NmiFlag => ({ spec, fate: 'new', why });

const port = { kind: 'integer', min: 0, max: 65_535 } as const;
const atLeast0 = { kind: 'integer', min: 0 } as const;

const place: readonly NmiFlag[] = [
  kept({ name: 'version', kind: 'boolean', default: false, help: 'Print the version and exit.' }),
  added(
    { name: 'help', kind: 'boolean', default: false, help: 'Print this and exit.' },
    'asked for by everybody',
  ),
  kept({
    name: 'node',
    kind: 'string',
    default: '',
    env: 'NODE_NAME',
    help: 'Name of the Kubernetes node that this runs on. Must be given.',
  }),
  added(
    {
      name: 'kubeconfig',
      kind: 'string',
      default: undefined,
      env: 'KUBECONFIG',
      help: 'File to connect with; the service account of the pod unless given.',
    },
    'the original reads the variable only',
  ),
  kept({
    name: 'nmi-listen-address',
    kind: 'string',
    default: '127.0.0.1',
    help: 'Address that redirected requests arrive at.',
  }),
  kept({
    name: 'nmi-port',
    ...port,
    default: 2579,
    help: 'Port that redirected requests arrive at. 0 lets the system choose.',
  }),
  kept({
    name: 'metadata-ip',
    kind: 'string',
    default: '169.254.169.254',
    help: 'Address of the metadata service of the machine.',
  }),
  kept({ name: 'metadata-port', ...port, default: 80, help: 'Port of the metadata service of the machine.' }),
  kept({
    name: 'http-probe-port',
    ...port,
    default: 8080,
    help: 'Port of /healthz and /readyz. 0 lets the system choose.',
  }),
  kept({
    name: 'prometheus-port',
    ...port,
    default: 9090,
    help: 'Port of /metrics. 0 lets the system choose.',
  }),
];

const rules: readonly NmiFlag[] = [
  kept({
    name: 'operation-mode',
    kind: 'string',
    default: 'standard',
    choices: ['standard', 'managed'],
    help: 'standard: MIC attaches identities to the machines. managed: the operator does.',
  }),
  kept({
    name: 'forceNamespaced',
    kind: 'boolean',
    default: false,
    env: 'FORCENAMESPACED',
    help: 'Pods get identities of their own namespace only.',
  }),
  changed(
    {
      name: 'MICNamespace',
      kind: 'string',
      default: 'default',
      help: 'Namespace of MIC, whose own requests go to the identities of the machine.',
    },
    'the namespace and a name that begins with mic were enough for the original: any pod could be called that',
  ),
  added(
    {
      name: 'mic-service-account',
      kind: 'string',
      default: 'aad-pod-id-mic-service-account',
      help: 'Service account of MIC, exact. Empty: only an AzurePodIdentityException lets MIC through.',
    },
    'tells MIC by what only an administrator can give to a pod',
  ),
  changed(
    {
      name: 'enableScaleFeatures',
      kind: 'boolean',
      default: true,
      help: 'Watch the AzureAssignedIdentity objects of this node only, by their label.',
    },
    'it is on by default, as in the original since 1.8.1',
  ),
  kept({
    name: 'metadata-header-required',
    kind: 'boolean',
    default: true,
    help: 'Refuse requests without the header Metadata: true.',
  }),
  kept({
    name: 'block-instance-metadata',
    kind: 'boolean',
    default: false,
    help: 'Refuse /metadata/instance to pods.',
  }),
  added(
    {
      name: 'metadata-allow',
      kind: 'list',
      default: ['instance', 'versions'],
      help: 'What else than tokens pods may read: instance, versions, scheduledevents, attested, loadbalancer.',
    },
    'the original passes everything that it does not know; here what is not named is refused',
  ),
  added(
    {
      name: 'enable-host-token',
      kind: 'boolean',
      default: true,
      help: 'Answer /host/token, by which processes of the node (Secrets Store CSI driver) ask for a token of a pod. From 127.0.0.1 and ::1 only.',
    },
    'the original cannot switch it off',
  ),
];

const waiting: readonly NmiFlag[] = [
  added(
    {
      name: 'hold',
      kind: 'duration',
      default: 8_000,
      min: 0,
      max: 60_000,
      help: 'How long a caller is held while its identity is being assigned.',
    },
    'replaces the three retry flags: waiting ends at the moment of the assignment, not at the next attempt',
  ),
  added(
    {
      name: 'caller-hold',
      kind: 'duration',
      default: 2_000,
      min: 0,
      max: 60_000,
      help: 'How long a caller is held whose pod is not known yet.',
    },
    'replaces four attempts of 300 ms',
  ),
  added(
    {
      name: 'not-assigned-status',
      kind: 'string',
      default: '503',
      choices: ['503', '404'],
      help: 'Status when the identity was not assigned in time. Both carry Retry-After.',
    },
    'the original answers 404, or 503 with --set-retry-after-header',
  ),
  dropped({ name: 'set-retry-after-header', kind: 'boolean', default: false }, 'the header is always sent'),
  dropped({ name: 'retry-attempts-for-created', ...atLeast0, default: 16 }, 'see --hold'),
  dropped({ name: 'retry-attempts-for-assigned', ...atLeast0, default: 4 }, 'see --hold'),
  dropped({ name: 'find-identity-retry-interval', ...atLeast0, default: 5 }, 'see --hold'),
];

const redirect: readonly NmiFlag[] = [
  added(
    {
      name: 'redirect',
      kind: 'string',
      default: 'iptables',
      choices: ['iptables', 'none'],
      help: 'How requests of pods to the metadata service get here. none: something else sees to it.',
    },
    'for platforms that redirect by other means, and for simulations',
  ),
  kept({
    name: 'ipt-update-interval-sec',
    kind: 'integer',
    min: 1,
    default: 60,
    help: 'Seconds between checks of the redirect rules.',
  }),
  dropped({ name: 'enable-conntrack-deletion', kind: 'boolean', default: false }, 'not done yet'),
  dropped(
    { name: 'allow-network-plugin-kubenet', kind: 'boolean', default: false },
    'the kubelet configuration is not read',
  ),
  dropped(
    { name: 'kubelet-config', kind: 'string', default: '/etc/default/kubelet' },
    'the kubelet configuration is not read',
  ),
];

const logging: readonly NmiFlag[] = [
  kept({
    name: 'log-format',
    kind: 'string',
    default: 'text',
    choices: ['text', 'json'],
    help: 'How log lines are written.',
  }),
  added(
    {
      name: 'log-level',
      kind: 'string',
      default: 'info',
      choices: ['debug', 'info', 'warn', 'error'],
      help: 'What is logged.',
    },
    'in place of klog levels',
  ),
  changed(
    { name: 'v', ...atLeast0, default: 0, help: '5 and more: --log-level debug.' },
    'there are no klog levels in between',
  ),
  dropped({ name: 'logtostderr', kind: 'boolean', default: false }, 'the log goes to standard output'),
  dropped({ name: 'custom-user-agent', kind: 'string', default: '' }, 'the user agent is fixed'),
  dropped(
    { name: 'enableProfile', kind: 'boolean', default: false },
    'there is no profiling port; Node has --inspect',
  ),
];

/** Every flag, those of the original included: its manifests start this program unchanged. */
export const flags: readonly NmiFlag[] = [...place, ...rules, ...waiting, ...redirect, ...logging];

export const flagSpecs: readonly FlagSpec[] = flags.map(({ spec }) => spec);
