import { controllerFlags } from './controller.ts';
import { added, changed, kept, type NmiFlag } from './flag.ts';

/** What pods may have. */
export const rulesFlags: readonly NmiFlag[] = [
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
  ...controllerFlags,
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
      help: 'What else than tokens pods may read: instance, versions, scheduledevents, attested, loadbalancer; and of instance what is never passed on otherwise: userdata, customdata.',
    },
    'the original passes everything that it does not know; here what is not named is refused, the user data and custom data of the machine too',
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
      words: ['status'],
      help: 'Answer failures with the statuses and texts of the original; =status: with its statuses, in JSON as the metadata service writes it. Texts break msal-node and msal for Python, which read JSON. Both make azidentity ask for 100 s where the original returns 404 or 500.',
    },
    'for programs that depend on them; SDKs do better without. What may pass (429, 404, 410 and 5xx of the metadata service) is asked again within --hold, then 503 or 429 with Retry-After instead of 403',
  ),
  added(
    {
      name: 'exact-errors',
      kind: 'boolean',
      default: false,
      help: "Answer failures with the metadata service's exact word in `error`, such as invalid_request. Without it the reason follows there, after a colon, as it stands in error_description.",
    },
    'azure-identity for Python and google-auth-library show their users `error` and nothing else',
  ),
  added(
    {
      name: 'namespace-share',
      kind: 'integer',
      default: 2048,
      min: 16,
      help: 'KiB that the AzureIdentities of one namespace may take, its bindings, its exceptions and its AzureAssignedIdentities of the node each as much. The youngest objects over it are left out.',
    },
    'whoever may write in one namespace could fill the memory of NMI on every node',
  ),
];
