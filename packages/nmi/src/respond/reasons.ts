import type { Denial } from '../authorize/types.ts';
import type { BadRequestReason } from '../request/token-request.ts';
import type { NowhereReason } from '../request/routes.ts';
import type { TokenErrorCode } from '../tokens/errors.ts';
import type { Outcome } from './outcome.ts';

type Told = 'token' | 'host-token' | 'proxied';
type WithWhy = 'bad-request' | 'nowhere' | 'denied' | 'not-assigned' | 'token-failed' | 'proxy-failed';
type Of<Kind extends Outcome['kind']> = Extract<Outcome, { readonly kind: Kind }>;

/** Why nothing was given, in one word. A closed set: it is in log lines, where people search for it. */
export type Reason =
  | Exclude<Outcome['kind'], Told | WithWhy>
  | BadRequestReason
  | Denial['why']
  | `path-${NowhereReason}`
  | `azure-${TokenErrorCode}`
  | `assignment-${Of<'not-assigned'>['seen']}`
  | `metadata-${Of<'proxy-failed'>['why']}`;

/** Undefined when the caller got what it asked for. */
export function reasonOf(outcome: Outcome): Reason | undefined {
  const { kind } = outcome;
  if (kind === 'token' || kind === 'host-token' || kind === 'proxied') return undefined;
  if (kind === 'bad-request') return outcome.problem.why;
  if (kind === 'denied') return outcome.denial.why;
  if (kind === 'nowhere') return `path-${outcome.why}`;
  if (kind === 'token-failed') return `azure-${outcome.why}`;
  if (kind === 'not-assigned') return `assignment-${outcome.seen}`;
  return kind === 'proxy-failed' ? `metadata-${outcome.why}` : kind;
}

/** For docs/reasons.md. */
export const reasonMeanings: Readonly<Record<Reason, string>> = {
  'no-label': 'The pod has no label aadpodidbinding.',
  'empty-label': 'The label aadpodidbinding of the pod is empty.',
  'pod-too-large': 'Labels or annotations of the pod are larger than what is read of them.',
  'no-binding': 'No AzureIdentityBinding has the selector that the label names.',
  'other-namespace': 'What matches is only for pods of another namespace.',
  'identity-missing': 'The binding names an AzureIdentity that does not exist.',
  'identity-invalid': 'The AzureIdentity is not valid.',
  'not-this-identity': 'The request names an identity that is none of the pod.',
  'several-identities':
    'The pod has several identities and the request names none of them, or AzureIdentities state different client ids for the resource id that it names.',
  'assignment-nothing': 'The identity is not assigned, and nothing says that MIC works on it.',
  'assignment-created': 'MIC is assigning the identity.',
  'assignment-unbound':
    'The pod has started less than `--binding-grace` ago, and an AzureIdentityBinding or AzureIdentity for its label, or of the client id that it asks for, is not there yet.',
  'assignment-assigned':
    'The identity is assigned, but the metadata service of the machine does not know it yet.',
  'azure-not-on-host': 'The machine does not carry the identity.',
  'azure-refused': 'Azure does not take this request, whoever makes it.',
  'azure-denied': 'Azure refuses the identity.',
  'azure-misconfigured': 'The AzureIdentity cannot be served as it is written.',
  'azure-throttled': 'Azure, or the share of this pod in what Azure allows, bears no more questions now.',
  'azure-updating': 'The metadata service of the machine is being updated.',
  'azure-unavailable': 'Azure gave no usable answer.',
  'unknown-caller': 'No pod of the node has the address.',
  'ambiguous-caller': 'More than one pod of the node has the address.',
  'unknown-pod': 'A process of the node named a pod that does not run here.',
  unconfirmed: 'The API server does not confirm that the pod has the address.',
  starting: 'The agent has not read the cluster yet.',
  outdated:
    'The API server has reported nothing for longer than --pod-check-outage: rights may have been taken away.',
  'too-fast': 'More requests a second than one caller may make, and too many to let them wait.',
  overloaded: 'Too many callers of the pod wait already.',
  'no-metadata-header': 'The header Metadata: true is missing.',
  forwarded: 'The request came through a proxy.',
  'foreign-host': 'The Host header or the request line names another host.',
  'malformed-target': 'The request target is malformed.',
  'body-too-large': 'The request has a large body.',
  'no-resource': 'The parameter resource is missing.',
  'malformed-parameter': 'A parameter is too long or has control characters.',
  'repeated-parameter': 'A parameter is given more than once.',
  'misnamed-parameter': 'A parameter names an identity by a name that the metadata service does not know.',
  'several-selectors': 'More than one parameter names an identity.',
  'no-pod-headers': 'A process of the node did not name a pod.',
  'not-from-the-node': 'A pod asked at the path that is for processes of the node.',
  'bad-method': 'The method is not GET.',
  'path-malformed': 'The path or query has characters that are not allowed.',
  'path-identity': 'A path below /metadata/identity that is not the one for tokens.',
  'path-foreign': "A probe for another cloud's metadata service.",
  'path-unknown': 'There is nothing at the path.',
  blocked: 'This part of the metadata service is not open to pods.',
  'metadata-unavailable': 'The metadata service of the machine gave no usable answer.',
  'metadata-too-large': 'The answer of the metadata service of the machine was too large.',
  crashed: 'The agent failed on the request: a bug.',
};
