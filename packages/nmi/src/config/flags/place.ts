import { added, kept, port, type NmiFlag } from './flag.ts';

/** Where the agent runs and listens. */
export const placeFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'pod',
      kind: 'string',
      default: '',
      help: 'The same as in `nmi explain NAMESPACE/POD`, for scripts of earlier versions: the pod, as NAMESPACE/NAME.',
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
  added(
    {
      name: 'master',
      kind: 'string',
      default: undefined,
      help: 'URL of the API server, to be asked with the token in --service-account-dir. Unless given: what Kubernetes tells the pod.',
    },
    'for an API server that the pod is to reach by another address',
  ),
  added(
    {
      name: 'service-account-dir',
      kind: 'string',
      default: '/var/run/secrets/kubernetes.io/serviceaccount',
      help: 'Folder with the token of the service account, and ca.crt, the certificate of the authority that signs for the API server.',
    },
    'the folder of every pod, which may be mounted elsewhere',
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
      help: 'Address of /healthz and /readyz. Probes name it as their host. Empty: all addresses, as in the original.',
    },
    'every pod reached the port on the addresses of the node',
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
    'the administrator chooses who reaches it',
  ),
];
