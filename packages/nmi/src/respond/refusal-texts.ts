import { nameMissingRight, thingOf, whyUnbound } from '@pod-identity/policy';
import type { Denial, InvalidException } from '../authorize/types.ts';
import type { BadRequest, BadRequestReason } from '../request/token-request.ts';
import type { Outcome } from './outcome.ts';

const badRequests: Readonly<Record<BadRequestReason, (name: string, rightName: string) => string>> = {
  // IMDS' own words.
  'no-metadata-header': () => 'Required metadata header not specified',
  forwarded: () => 'X-Forwarded-For is not allowed: token requests must not come through a proxy.',
  'foreign-host': () =>
    'The Host header or the request line names another host: use the address of the metadata service. The administrator can allow names (NMI flag --allow-host).',
  'malformed-target': () =>
    'The request target is malformed. Allowed in the path: letters, digits and / . _ -',
  'body-too-large': () => 'The request has a body. Requests to this service must not have one.',
  'no-resource': () =>
    'Parameter resource is missing: set it to the audience of the token, such as https://vault.azure.net',
  'malformed-parameter': (name) =>
    name === 'resource'
      ? 'Parameter resource is too long or not an audience: set it to a URI or a GUID, such as https://vault.azure.net, without whitespace, characters beyond ASCII, or /.default/ at its end'
      : `Parameter ${name} is too long, or has control characters or whitespace: remove them.`,
  'repeated-parameter': (name) => `Parameter ${name} is given more than once.`,
  'misnamed-parameter': (name, rightName) =>
    `Parameter ${name} is not known here: name the identity by ${rightName}.`,
  'several-selectors': (name) =>
    `Parameters ${name} are given together: use only one of client_id, object_id and msi_res_id.`,
  'no-pod-headers': () =>
    "Missing 'podname' and 'podns' from request header: they name the pod whose token is requested.",
  'not-from-the-node': () => 'This path is for processes on the node itself, from its loopback address.',
};

export function explainBadRequest({ why, name = '', rightName = '' }: BadRequest): string {
  return badRequests[why](name, rightName);
}

/** Why the pod has no such identity, and what to do. It starts with the text of IMDS, which SDKs look for. */
export function explainDenial(pod: string, denial: Denial): string {
  return `Identity not found. ${whyDenied(pod, denial)}${invalidNote(denial)}`;
}

/** The pod may rely on an exception that does not count. */
function invalidNote({ invalidException: invalid }: Denial): string {
  return invalid === undefined ? '' : ` ${explainInvalidException(invalid)}.`;
}

/** It reveals nothing about other namespaces: the exception is of the pod's own. */
export function explainInvalidException({ name, fault, podLabels }: InvalidException): string {
  return podLabels === undefined
    ? `AzurePodIdentityException ${name} of this namespace is invalid: ${fault}`
    : `AzurePodIdentityException ${name} of this namespace is for this pod, but does not count, since it is invalid: ${fault}`;
}

function whyDenied(pod: string, denial: Denial): string {
  if (denial.why === 'access-denied') return nameMissingRight(denial);
  if (denial.why === 'pod-too-large') return `Pod ${pod} is not served: its ${denial.fault}. Shorten it.`;
  if (!('offered' in denial)) return whyUnbound(pod, denial);
  const offer = `It may ask for: ${listed(denial.offered)}.`;
  if (denial.why === 'not-this-identity') return `Pod ${pod} has no such identity. ${offer}`;
  return (
    `Multiple user assigned identities exist for pod ${pod}, please specify the clientId / ` +
    `resourceId of the identity in the token request. ${offer}`
  );
}

/** Limits, since an editor of a namespace wrote the list, and it goes into responses, logs and Events. */
const [mostListed, longestListed] = [16, 256];

function listed(offered: readonly string[]): string {
  const first = offered.slice(0, mostListed);
  const texts = first.map((text) =>
    text.length > longestListed ? `${text.slice(0, longestListed)}…` : text,
  );
  const more = offered.length - first.length;
  return more > 0 ? `${texts.join(', ')} and ${more} more` : texts.join(', ');
}

export function explainWaiting(outcome: Extract<Outcome, { readonly kind: 'not-assigned' }>): string {
  const { pod } = outcome;
  return outcome.seen === 'unbound'
    ? explainMayCome(pod, outcome.denial)
    : explainUnattached(pod, outcome.identity);
}

/** The pod may still get what is missing. */
function explainMayCome(pod: string, denial: Denial): string {
  const why = whyDenied(pod, denial);
  const until = 'until the pod has run for --binding-grace, its requests wait for it. Try again.';
  // The text about a right ends with a command.
  return denial.why === 'access-denied'
    ? `A right of pod ${pod} is missing, which may still be granted: ${until} ${why}`
    : `${why} What is missing may still be created: ${until}${invalidNote(denial)}`;
}

function explainUnattached(pod: string, identity: string): string {
  return (
    `The identity of pod ${pod} is not assigned to its node yet: AzureIdentity ${identity} matches, but the metadata service of the machine ` +
    'does not know it. Try again; if this lasts, see the Events of the pod and of the AzureIdentity for the response of Azure. Without one, check that ' +
    'the controller (MIC) runs or, in managed mode, that the identity is attached; that the managed identity still exists in Azure; and that ' +
    'the scale set instance runs the latest model.'
  );
}

export function explainUnusable(
  pod: string,
  { identity, fault }: { identity: string; fault: string },
): string {
  return `AzureIdentity ${identity} matches pod ${pod}, but no token can be issued: ${fault}.`;
}

export function explainUnanswered({
  identity,
  why,
}: Extract<Outcome, { readonly kind: 'access-unanswered' }>): string {
  if (why === 'allows-all')
    return (
      'The API server allows an invented user to use Azure identities, so its reviews mean nothing and rights cannot be checked: the ' +
      `ServiceAccount of the pod gets no token for ${thingOf(identity)}. The administrator must start the API server with ` +
      '--authorization-mode=Node,RBAC.'
    );
  if (why === 'late')
    return (
      `The API server has not said yet whether the ServiceAccount of the pod may use ${thingOf(identity)}: its answers take longer than ` +
      'a request waits. Try again.'
    );
  return (
    `The API server does not say at the moment whether the ServiceAccount of the pod may use ${thingOf(identity)}, and it has not said ` +
    'so within --access-grace. Try again.'
  );
}
