// Flags that both services have.
import { changedFlag, keptFlag, newFlag } from './flag-table.ts';
import { integer, oneOf, text, truth } from './flag-type.ts';

/** 0: the system chooses. */
export const port = (byDefault: number) => integer(byDefault, { min: 0, max: 65_535 });

export const apiServerFlags = {
  master: newFlag('master', text(), {
    help: 'URL of the API server, called with the token in --service-account-dir. Default: the in-cluster address.',
    why: 'for an API server that the pod reaches at another address',
  }),
  serviceAccountDir: newFlag('service-account-dir', text('/var/run/secrets/kubernetes.io/serviceaccount'), {
    help: 'Folder with the token of the service account, and ca.crt, the certificate of the authority that signs for the API server.',
    why: 'for pods that mount the folder elsewhere',
  }),
};

export const forceNamespacedFlag = changedFlag('forceNamespaced', truth(true), {
  help: 'In the modes namespace and warn of --identity-access, a pod may use only identities and bindings of its own namespace. It has no effect in mode rbac, where allowedNamespaces of an AzureIdentity opens it to other namespaces. Must be the same for MIC and NMI.',
  why: 'on by default; in the original any pod could use identities of other namespaces with a label',
  env: 'FORCENAMESPACED',
  aliases: ['force-namespaced'],
});

export const identityAccessFlag = newFlag(
  'identity-access',
  oneOf('namespace', ['namespace', 'warn', 'rbac']),
  {
    help: "Who decides which pods may use an Azure identity. namespace: whoever may write an AzureIdentity in the pods' namespace. rbac: Kubernetes' RBAC (for type 3 always), by the right to use the identity. warn: as namespace, and pods that rbac would refuse are logged. Annotation aadpodidentity.k8s.io/identity-access of a Namespace makes it stricter there. Must be the same for MIC and NMI.",
    why: 'in the original, whoever may write an AzureIdentity may use any identity that MIC can attach',
  },
);

export const probeFlags = {
  port: keptFlag('http-probe-port', port(8080), {
    help: 'Port of /healthz and /readyz. 0: the system chooses.',
  }),
  host: newFlag('http-probe-address', text('127.0.0.1'), {
    help: 'Address of /healthz and /readyz; set it as host in HTTP probes. Empty: all addresses, as in the original.',
    why: 'in the original every pod could reach the port',
  }),
};

export const probeFileFlag = newFlag('probe-file', text(''), {
  help: 'File for exec probes, of this container alone. Its time lies in the future while the process runs, and it is empty while it is ready. Empty: none.',
  why: 'probes of a port share it with the requests that the kubelet sends for any Pod, and with other programs of the node',
});

export const metricsFlags = (byDefault: number) => ({
  port: keptFlag('prometheus-port', port(byDefault), { help: 'Port of /metrics. 0: the system chooses.' }),
  host: newFlag('prometheus-address', text(''), {
    help: "Address of /metrics; the manifest gives the node's own. Empty: all addresses, as in the original.",
    why: 'limits who can reach the port',
    env: 'HOST_IP',
  }),
});

const levels = ['debug', 'info', 'warn', 'error'] as const;

export const logFlags = {
  format: keptFlag('log-format', oneOf('text', ['text', 'json']), { help: 'Format of log lines.' }),
  level: newFlag('log-level', oneOf('info', levels), {
    help: 'Minimum level that is logged.',
    why: 'replaces the levels of klog',
  }),
  verbosity: changedFlag('v', integer(0, { min: 0 }), {
    help: 'Verbosity as klog counts it: 5 and above means --log-level debug, unless that flag is given.',
    why: 'only the two levels remain',
  }),
};

export interface LogSettings {
  readonly format: 'text' | 'json';
  readonly level: (typeof levels)[number];
}

/** klog's verbosity for details in the original. */
const debugVerbosity = 5;

export function logOf(
  { format, level, verbosity }: LogSettings & { readonly verbosity: number },
  given: ReadonlySet<string>,
): LogSettings {
  const isDebug = !given.has('log-level') && verbosity >= debugVerbosity;
  return { format, level: isDebug ? 'debug' : level };
}

export const helpFlags = {
  version: keptFlag('version', truth(false), { help: 'Print the version and exit.' }),
  help: keptFlag('help', truth(false), { help: 'Print this and exit.', aliases: ['h'] }),
};
