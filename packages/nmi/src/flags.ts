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
  added(
    {
      name: 'pod',
      kind: 'string',
      default: '',
      help: 'For the command explain: the pod, as NAMESPACE/NAME.',
    },
    'says what a pod would be answered, and why',
  ),
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
  changed(
    {
      name: 'forceNamespaced',
      aliases: ['force-namespaced'],
      kind: 'boolean',
      default: true,
      env: 'FORCENAMESPACED',
      help: 'Pods get identities of their own namespace only. Must be the same for MIC.',
    },
    'it is on by default: in the original any pod could take the identities of other namespaces by a label',
  ),
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
      default: false,
      help: 'Answer /host/token, by which processes of the node (Secrets Store CSI driver) ask for a token of a pod. From 127.0.0.1 and ::1 only.',
    },
    'the original cannot switch it off',
  ),
  added(
    {
      name: 'allow-host',
      kind: 'list',
      default: [],
      help: 'Names that requests may have in their Host header. Addresses and localhost are always welcome, other names are refused.',
    },
    'a web page that had a name of its own resolved to our address (DNS rebinding) is refused',
  ),
  added(
    {
      name: 'compat-errors',
      kind: 'boolean',
      default: false,
      help: 'Answer failures with the statuses and texts of the original.',
    },
    'for programs that depend on them; SDKs do better without',
  ),
];

const callers: readonly NmiFlag[] = [
  added(
    {
      name: 'pod-check',
      kind: 'string',
      default: 'live',
      choices: ['live', 'strict', 'off'],
      help: 'Whether the API server must confirm that a pod still has its address before it gets a token. live: unless the API server is away. strict: always. off: what was watched is enough.',
    },
    'an address can belong to another pod before the watch tells',
  ),
  added(
    {
      name: 'pod-check-age',
      kind: 'duration',
      default: 1_000,
      min: 0,
      max: 60_000,
      help: 'How long such a confirmation holds for new connections. For the connection that it was made for it holds until that ends.',
    },
    'see --pod-check',
  ),
  added(
    {
      name: 'pod-requests-per-second',
      kind: 'integer',
      min: 0,
      default: 100,
      help: 'Requests of one pod that are answered in a second, on average; five times as many at once. What is more has to wait. 0: as many as come.',
    },
    'one pod must not use up the agent of the others',
  ),
  added(
    {
      name: 'pod-waiting',
      kind: 'integer',
      min: 1,
      default: 512,
      help: 'Callers of one pod that may wait for a token at a time.',
    },
    'one pod must not use up the agent of the others',
  ),
];

const tokens: readonly NmiFlag[] = [
  added(
    {
      name: 'authority-allow',
      kind: 'list',
      default: [
        'login.microsoftonline.com',
        'login.microsoftonline.us',
        'login.partner.microsoftonline.cn',
        'login.chinacloudapi.cn',
      ],
      help: 'Hosts, with port where it is not 443, that secrets of service principals may be sent to. An AzureIdentity with another spec.adEndpoint gets no token.',
    },
    'the original sends the secret wherever the AzureIdentity says',
  ),
  added(
    {
      name: 'prefetch',
      kind: 'list',
      default: [],
      help: 'Resources to have tokens ready for as soon as a pod is bound, before it asks. A pod can name its own in the annotation aadpodidentity.k8s.io/prefetch. Empty list: only those.',
    },
    'the first answer need not wait for the metadata service',
  ),
];

const telling: readonly NmiFlag[] = [
  added(
    {
      name: 'audit',
      kind: 'boolean',
      default: true,
      help: 'Write a line for each token issued: who, which identity, which resource. Never the token.',
    },
    'who acted as whom is asked afterwards',
  ),
  added(
    {
      name: 'events',
      kind: 'boolean',
      default: true,
      help: 'Write an Event on a pod that is refused a token, at a limited rate.',
    },
    'the pod is where its owner looks',
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
      default: 'aadpodidentity.k8s.io/nmi-not-ready',
      help: 'Key of a taint that is taken off the node once a request by way of the rules was answered. Empty: no taint is touched.',
    },
    'pods that start before the agent reach the identities of the machine',
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
export const flags: readonly NmiFlag[] = [
  ...place,
  ...rules,
  ...callers,
  ...waiting,
  ...tokens,
  ...redirect,
  ...telling,
  ...logging,
];

export const flagSpecs: readonly FlagSpec[] = flags.map(({ spec }) => spec);
