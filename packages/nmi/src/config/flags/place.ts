import { added, kept, port, type NmiFlag } from './flag.ts';

/** Where the agent runs and listens. */
export const placeFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'pod',
      kind: 'string',
      default: '',
      help: 'The pod for `nmi explain`, as NAMESPACE/NAME, for scripts written for earlier versions. Same as `nmi explain NAMESPACE/POD`.',
    },
    'shows which response a pod would get, and why',
  ),
  kept({ name: 'version', kind: 'boolean', default: false, help: 'Print the version and exit.' }),
  added(
    { name: 'help', kind: 'boolean', default: false, help: 'Print this and exit.' },
    'not in the original',
  ),
  kept({
    name: 'node',
    kind: 'string',
    default: '',
    env: 'NODE_NAME',
    help: 'Name of the Kubernetes node that NMI runs on. Required.',
  }),
  added(
    {
      name: 'kubeconfig',
      kind: 'string',
      default: undefined,
      env: 'KUBECONFIG',
      help: 'Path of a kubeconfig file. Default: the service account of the pod.',
    },
    'the original reads the variable only',
  ),
  added(
    {
      name: 'master',
      kind: 'string',
      default: undefined,
      help: 'URL of the API server, called with the token in --service-account-dir. Default: the in-cluster address.',
    },
    'for an API server that the pod reaches at another address',
  ),
  added(
    {
      name: 'service-account-dir',
      kind: 'string',
      default: '/var/run/secrets/kubernetes.io/serviceaccount',
      help: 'Folder with the token of the service account, and ca.crt, the certificate of the authority that signs for the API server.',
    },
    'for pods that mount the folder elsewhere',
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
  added(
    {
      name: 'http-probe-address',
      kind: 'string',
      default: '127.0.0.1',
      help: 'Address of /healthz and /readyz; set it as host in probes. Empty: all addresses, as in the original.',
    },
    'in the original every pod could reach the port',
  ),
  kept({
    name: 'prometheus-port',
    ...port,
    default: 9090,
    help: 'Port of /metrics. 0 lets the system choose.',
  }),
  added(
    {
      name: 'prometheus-address',
      kind: 'string',
      default: '',
      env: 'HOST_IP',
      help: "Address of /metrics; the manifest gives the node's own. Empty: all addresses, as in the original.",
    },
    'limits who can reach the port',
  ),
];
