import type { MicFlag } from './mic-flag.ts';

const port = { kind: 'integer', min: 0, max: 65_535 } as const;

/** Flags for probes, metrics, logs, help and version. */
export const servingFlags: readonly MicFlag[] = [
  {
    name: 'http-probe-port',
    ...port,
    default: 8080,
    fate: 'kept',
    help: 'Port of /healthz and /readyz; 0 chooses one.',
  },
  {
    name: 'http-probe-address',
    kind: 'string',
    default: '127.0.0.1',
    fate: 'new',
    help: 'Address of /healthz and /readyz; set it as host in probes. Empty: all addresses, as in the original.',
    note: 'in the original every pod could reach the port',
  },
  { name: 'prometheus-port', ...port, default: 8888, fate: 'kept', help: 'Port of /metrics; 0 chooses one.' },
  {
    name: 'prometheus-address',
    kind: 'string',
    default: '',
    env: 'HOST_IP',
    fate: 'new',
    help: "Address of /metrics; the manifest gives the node's own. Empty: all addresses, as in the original.",
    note: 'limits who can reach the port',
  },
  {
    name: 'log-format',
    kind: 'string',
    default: 'text',
    choices: ['text', 'json'],
    fate: 'kept',
    help: 'Form of log lines.',
  },
  {
    name: 'log-level',
    kind: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    fate: 'new',
    help: 'Minimum level that is logged.',
  },
  {
    name: 'v',
    kind: 'integer',
    default: 0,
    min: 0,
    fate: 'changed',
    help: 'Verbosity as klog counts it: 5 and above means --log-level debug.',
    note: 'only the two levels remain',
  },
  { name: 'version', kind: 'boolean', default: false, fate: 'kept', help: 'Print the version and exit.' },
  {
    name: 'help',
    kind: 'boolean',
    default: false,
    aliases: ['h'],
    fate: 'kept',
    help: 'Print this and exit.',
  },
  {
    name: 'namespace',
    kind: 'string',
    default: 'default',
    aliases: ['n'],
    fate: 'new',
    help: 'Namespace of the pod for `mic explain POD` without a namespace.',
  },
];
