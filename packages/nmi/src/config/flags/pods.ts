import {
  changedFlag,
  forceNamespacedFlag,
  identityAccessFlag,
  keptFlag,
  newFlag,
  value,
} from '@pod-identity/kit/core';
import { machineData } from '../../request/instance-metadata.ts';
import { metadataFamilies } from '../../request/routes.ts';

const { truth, integer, duration, list, oneOf, someOf, mapped } = value;

const lowerSet = (texts: readonly string[]): ReadonlySet<string> =>
  new Set(texts.map((each) => each.toLowerCase()));

const modes = oneOf('standard', ['standard', 'managed']);
/** In any case, as in the original. */
const mode = { ...modes, parse: (given: string) => modes.parse(given.toLowerCase()) };

/** What pods may have. */
export const rulesFlags = {
  mode: keptFlag('operation-mode', mode, {
    help: 'standard: MIC attaches identities to the machines. managed: the administrator does.',
  }),
  forceNamespaced: forceNamespacedFlag,
  byNodeLabel: changedFlag('enableScaleFeatures', truth(true), {
    help: 'Watch only the AzureAssignedIdentity objects of this node, by their label. They only say when to ask the metadata service again.',
    why: 'on by default, as in the original since 1.8.1',
  }),
  metadataHeaderRequired: keptFlag('metadata-header-required', truth(true), {
    help: 'Refuse requests without the header Metadata: true.',
  }),
  blocksInstance: keptFlag('block-instance-metadata', truth(false), {
    help: 'Refuse /metadata/instance to pods.',
  }),
  metadataAllowed: newFlag(
    'metadata-allow',
    someOf(['instance', 'versions'], [...metadataFamilies, ...machineData]),
    {
      help: 'What pods may read besides tokens; userdata and customdata are parts of instance that must be listed separately.',
      why: 'the original passes on every unknown path; here everything that is not listed is refused, including the user data and custom data of the machine',
    },
  ),
  hostToken: newFlag('enable-host-token', truth(false), {
    help: 'Serve /host/token, where processes on the node (Secrets Store CSI driver) request the token of a pod. Only from 127.0.0.1 and ::1, where the kubelet calls for whoever may create Pods (a probe with host).',
    why: 'always on in the original',
  }),
  allowedHosts: newFlag('allow-host', mapped(list(), lowerSet), {
    help: 'Names that are accepted in the Host header. Addresses and localhost are always accepted, other names are refused.',
    why: 'protects against DNS rebinding, where a web page resolves its own name to our address',
  }),
  namespaceShareBytes: newFlag(
    'namespace-share',
    mapped(integer(1024, { min: 16 }), (kib) => kib * 1024),
    {
      help: 'Limit in KiB for the specs of the AzureIdentities of one namespace, as JSON with 256 bytes more for each; the same limit applies separately to its bindings and its exceptions. The oldest objects count. The same value is needed in MIC.',
      why: 'otherwise anyone who may write in one namespace could fill the memory of NMI on every node',
    },
  ),
};

/** Who decides which pod may use which Azure identity. */
export const accessFlags = {
  identityAccess: identityAccessFlag,
  accessAges: {
    maxAgeMs: newFlag('access-max-age', duration('15s', { min: 5_000, max: 300_000 }), {
      help: 'How long an answer of the API server about a right is used. A right that was withdrawn gives no token after this time, or after --access-grace while the API server does not answer.',
      why: 'see --identity-access',
    }),
    graceMs: newFlag('access-grace', duration('10m', { min: 0, max: 86_400_000 }), {
      help: 'How long the last positive answer about a right is used while the API server gives none (429, 5xx, time-out).',
      why: 'pods keep their tokens through a short outage of the API server',
    }),
  },
  exceptionNamespaces: newFlag(
    'exception-namespaces',
    mapped(list(), (names): ReadonlySet<string> => new Set(names)),
    {
      help: 'Namespaces whose AzurePodIdentityExceptions count with --identity-access=namespace or warn. Empty: all. With rbac an exempt pod needs the right to use the machine instead.',
      why: 'whoever may write an AzurePodIdentityException gets all identities of the machine',
    },
  ),
};

/** Requests of pods: their limits, how long they wait, and where tokens come from. */
export const requestFlags = {
  podCheck: {
    ageMs: newFlag('pod-check-age', duration('1s', { min: 0, max: 60_000 }), {
      help: 'How long a confirmation of the API server that a pod still has its address is valid for new connections. For its own connection it is valid until the connection is closed.',
      why: 'an address can belong to another pod before the watch delivers the change',
    }),
    outageMs: newFlag('pod-check-outage', duration('15m', { min: 0 }), {
      help: 'How long after the last response of the API server NMI serves pods from its cache while the server does not respond. A response such as 429 or 503 is not an outage. It is also how long bindings, identities and exceptions are valid after the API server last reported them, at least three minutes; after that no pod gets a token.',
      why: 'an address can change hands while the API server does not respond',
    }),
  },
  podRequestsPerSecond: newFlag('pod-requests-per-second', integer(100, { min: 0 }), {
    help: 'Average requests a second for one pod, with a burst of five times as many; a new connection counts as one. Requests over the limit get 429 with Retry-After, and their connection is closed. 0: no limit.',
    why: 'one pod must not exhaust NMI for other pods',
  }),
  podWaiting: newFlag('pod-waiting', integer(512, { min: 1 }), {
    help: 'Requests of one pod that may wait for a token at the same time.',
    why: 'one pod must not exhaust NMI for other pods',
  }),
  holdMs: newFlag('hold', duration('25s', { min: 0, max: 60_000 }), {
    help: 'How long a request waits while its identity is being assigned. 60s serves programs that send one request, if nothing gives up sooner, as Hadoop ABFS does after 30 s.',
    why: 'replaces the three retry flags; the wait ends when the metadata service knows the identity',
  }),
  bindingGraceMs: newFlag('binding-grace', duration('1m', { min: 0, max: 600_000 }), {
    help: 'How long after its start a pod waits for a missing AzureIdentityBinding or AzureIdentity, or in mode rbac for its right, each request for 6 s: a pod with the label aadpodidbinding, and any pod of a namespace with a binding that selects pods without this label. 0 turns this off.',
    why: 'the original waits for every pod, whatever is missing',
  }),
  callerHoldMs: newFlag('caller-hold', duration('2s', { min: 0, max: 60_000 }), {
    help: 'How long a request waits if its pod is not known yet.',
    why: 'replaces four attempts of 300 ms',
  }),
  notAssignedStatus: newFlag(
    'not-assigned-status',
    mapped(oneOf('503', ['503', '404']), (status) => (status === '404' ? 404 : 503)),
    {
      help: 'Status when the identity was not assigned in time. Both carry Retry-After.',
      why: 'the original returns 404 without Retry-After, or 503 with --set-retry-after-header',
    },
  ),
  authorities: newFlag(
    'authority-allow',
    mapped(
      list([
        'login.microsoftonline.com',
        'login.microsoftonline.us',
        'login.partner.microsoftonline.cn',
        'login.chinacloudapi.cn',
      ]),
      lowerSet,
    ),
    {
      help: 'Hosts (with port, if it is not 443) to which NMI may send secrets of service principals. An AzureIdentity with another spec.adEndpoint gets no token.',
      why: 'the original sends the secret to any host that the AzureIdentity names',
    },
  ),
};
