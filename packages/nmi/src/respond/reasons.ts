import type { Denial } from '../authorize/types.ts';
import type { BadRequestReason } from '../request/token-request.ts';
import type { NowhereReason } from '../request/routes.ts';
import type { TokenErrorCode } from '../tokens/errors.ts';
import type { Outcome } from './outcome.ts';
import type { Success } from './refusals.ts';

type WithWhy = 'bad-request' | 'nowhere' | 'denied' | 'not-assigned' | 'token-failed' | 'proxy-failed';
type Of<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

/** Why a request failed: a closed set, for log lines and spans. */
export type Reason =
  | Exclude<Outcome['kind'], Success | WithWhy>
  | BadRequestReason
  | Denial['why']
  | `path-${NowhereReason}`
  | `azure-${TokenErrorCode}`
  | `assignment-${Of<'not-assigned'>['seen']}`
  | `metadata-${Of<'proxy-failed'>['why']}`;

/** Undefined if the request succeeded. */
export function reasonOf(outcome: Outcome): Reason | undefined {
  const { kind } = outcome;
  if (isSuccess(kind)) return undefined;
  if (kind === 'bad-request') return outcome.problem.why;
  if (kind === 'denied') return outcome.denial.why;
  if (kind === 'nowhere') return `path-${outcome.why}`;
  if (kind === 'token-failed') return `azure-${outcome.why}`;
  if (kind === 'not-assigned') return `assignment-${outcome.seen}`;
  return kind === 'proxy-failed' ? `metadata-${outcome.why}` : kind;
}

const successes: ReadonlySet<string> = new Set<Success>(['token', 'host-token', 'proxied', 'canary']);
const isSuccess = (kind: Outcome['kind']): kind is Success => successes.has(kind);

/** For docs/reasons.md. */
export const reasonMeanings: Readonly<Record<Reason, string>> = {
  'no-account': 'The pod has no ServiceAccount: static pods and other pods without one get no identity.',
  'no-label': 'The pod has no label aadpodidbinding.',
  'empty-label': 'The label aadpodidbinding of the pod is empty.',
  'pod-too-large': 'Labels or annotations of the pod are larger than NMI reads.',
  'no-binding': 'No AzureIdentityBinding has the selector that the label names.',
  'not-selected':
    'An AzureIdentityBinding has the selector that the label names, but its podSelector or serviceAccountName is for other pods.',
  'other-namespace': 'The matching binding or identity is only for pods of another namespace.',
  'identity-missing': 'The binding names an AzureIdentity that does not exist.',
  'identity-invalid': 'The AzureIdentity is not valid.',
  'not-this-identity': 'The request names an identity that the pod does not have.',
  'several-identities':
    'The pod has several identities and the request names none of them, or AzureIdentities state different client ids for the resource id that it names.',
  'access-denied':
    'The ServiceAccount of the pod has no right to use the Azure identity, or the machine if the pod is exempt (`--identity-access`).',
  'access-unanswered':
    'The API server does not say whether the ServiceAccount of the pod may use the Azure identity, and has not said so within `--access-grace`.',
  'assignment-unattached':
    'The identity is not attached: the metadata service of the machine does not know it.',
  'assignment-unbound':
    'The pod has started less than `--binding-grace` ago, and an AzureIdentityBinding for it, an AzureIdentity, one with the requested client id, or the right to use it does not exist yet.',
  'azure-not-on-host': 'The identity is not attached to the machine.',
  'azure-refused': 'Azure rejects this request from any caller.',
  'azure-denied': 'Azure refuses the identity.',
  'azure-misconfigured': 'NMI cannot use the AzureIdentity in its current form.',
  'azure-throttled':
    'Azure throttles requests, or the pod has used up its share of the requests that Azure allows.',
  'azure-updating': 'The metadata service of the machine is being updated.',
  'azure-unavailable': 'Azure returned no usable response.',
  'unknown-caller': 'No pod of the node has the address.',
  'ambiguous-caller': 'More than one pod of the node has the address.',
  'unknown-pod': 'A process of the node named a pod that does not run here.',
  unconfirmed:
    'The API server does not confirm that the pod has the address, or the pod was deleted meanwhile.',
  'rights-changed': 'The bindings or identities of the pod changed while its token was requested.',
  starting:
    'The agent has not read the cluster yet, or not the namespace of a pod that has just come to the node.',
  outdated:
    'The API server has reported nothing for longer than --pod-check-outage: rights may have been revoked.',
  'too-fast': 'The caller makes more requests a second than allowed, and too many are waiting already.',
  overloaded: 'Too many requests of the pod are waiting already.',
  'no-metadata-header': 'The header Metadata: true is missing.',
  forwarded: 'The request came through a proxy.',
  'foreign-host': 'The Host header or the request line names another host.',
  'malformed-target': 'The request target is malformed.',
  'body-too-large': 'The request has a large body.',
  'no-resource': 'The parameter resource is missing.',
  'malformed-parameter':
    'A parameter is too long or has characters that it cannot have: control characters, or whitespace in resource or an id.',
  'repeated-parameter': 'A parameter is given more than once.',
  'misnamed-parameter':
    'A parameter names an identity by a parameter name that the metadata service does not have.',
  'several-selectors': 'More than one parameter names an identity.',
  'no-pod-headers': 'A process of the node did not name a pod.',
  'not-from-the-node': 'A pod called the path that is for processes on the node.',
  'no-challenge': 'A request to the path of `nmi canary` has no challenge.',
  'bad-method': 'The method is not GET.',
  'path-malformed': 'The path or query has characters that are not allowed.',
  'path-identity': 'A path below /metadata/identity that is not the one for tokens.',
  'path-foreign': "A probe for another cloud's metadata service.",
  'path-unknown': 'There is nothing at the path.',
  blocked: 'This part of the metadata service is not available to pods.',
  'metadata-unavailable': 'The metadata service of the machine returned no usable response.',
  'metadata-too-large': 'The response of the metadata service of the machine was too large.',
  crashed: 'The agent failed on the request: a bug.',
};
