import { controllerFlags } from './controller.ts';
import { added, changed, kept, type NmiFlag } from './flag.ts';

/** What pods may have. */
export const rulesFlags: readonly NmiFlag[] = [
  kept({
    name: 'operation-mode',
    kind: 'string',
    default: 'standard',
    choices: ['standard', 'managed'],
    help: 'standard: MIC attaches identities to the machines. managed: the administrator does.',
  }),
  changed({
    name: 'forceNamespaced',
    aliases: ['force-namespaced'],
    kind: 'boolean',
    default: true,
    env: 'FORCENAMESPACED',
    help: 'Pods get identities of their own namespace only. Must be the same for MIC.',
    why: 'on by default; in the original any pod could use identities of other namespaces with a label',
  }),
  ...controllerFlags,
  changed({
    name: 'enableScaleFeatures',
    kind: 'boolean',
    default: true,
    help: 'Watch only the AzureAssignedIdentity objects of this node, by their label. They only say when to ask the metadata service again.',
    why: 'on by default, as in the original since 1.8.1',
  }),
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
  added({
    name: 'metadata-allow',
    kind: 'list',
    default: ['instance', 'versions'],
    help: 'What pods may read besides tokens: instance, versions, scheduledevents, attested, loadbalancer. The parts userdata and customdata of instance must be listed separately.',
    why: 'the original passes on every unknown path; here everything that is not listed is refused, including the user data and custom data of the machine',
  }),
  added({
    name: 'enable-host-token',
    kind: 'boolean',
    default: false,
    help: 'Serve /host/token, where processes on the node (Secrets Store CSI driver) request the token of a pod. Only from 127.0.0.1 and ::1.',
    why: 'always on in the original',
  }),
  added({
    name: 'allow-host',
    kind: 'list',
    default: [],
    help: 'Names that are accepted in the Host header. Addresses and localhost are always accepted, other names are refused.',
    why: 'protects against DNS rebinding, where a web page resolves its own name to our address',
  }),
  added({
    name: 'compat-errors',
    kind: 'boolean',
    default: false,
    words: ['status'],
    help: 'Return errors with the statuses and texts of the original; =status: with its statuses, and the JSON of the metadata service. The texts break msal-node and msal for Python, which expect JSON. Both values make azidentity retry for 100 s where the original returns 404 or 500.',
    why: 'for programs that depend on the original; SDKs work better without it. By default transient errors of the metadata service (429, 404, 410 and 5xx) are retried within --hold, then NMI returns 503 or 429 with Retry-After instead of 403',
  }),
  added({
    name: 'exact-errors',
    kind: 'boolean',
    default: false,
    help: "Return only the metadata service's own code in `error`, such as invalid_request. By default a colon and the beginning of error_description follow the code.",
    why: 'azure-identity for Python and google-auth-library show only `error`',
  }),
  added({
    name: 'namespace-share',
    kind: 'integer',
    default: 2048,
    min: 16,
    help: 'Limit in KiB for the memory that the AzureIdentities of one namespace take in NMI; the same limit applies separately to its bindings and its exceptions. The newest objects over the limit are ignored.',
    why: 'otherwise anyone who may write in one namespace could fill the memory of NMI on every node',
  }),
];
