// The codes of NMI's log lines and docs/reference/reasons.md: what they mean and who must act.

/** Why a request failed, by who must act so that the next one succeeds: a closed set. */
export const reasonsByActor = {
  'whoever runs the pod': {
    'no-account': 'The pod has no ServiceAccount: static pods and other pods without one get no identity.',
    'no-label': 'The pod has no label aadpodidbinding.',
    'empty-label': 'The label aadpodidbinding of the pod is empty.',
    'pod-too-large': 'Labels or annotations of the pod are larger than NMI reads.',
  },
  'whoever writes AzureIdentities and AzureIdentityBindings': {
    'no-binding': 'No AzureIdentityBinding has the selector that the label names.',
    'not-selected':
      'An AzureIdentityBinding has the selector that the label names, but its podSelector or serviceAccountName is for other pods.',
    'other-namespace': 'The matching binding or identity is only for pods of another namespace.',
    'identity-missing': 'The binding names an AzureIdentity that does not exist.',
    'identity-invalid': 'The AzureIdentity is not valid.',
    'azure-misconfigured': 'NMI cannot use the AzureIdentity in its current form.',
  },
  'whoever writes the program that asks for the token': {
    'not-this-identity': 'The request names an identity that the pod does not have.',
    'several-identities':
      'The pod has several identities and the request names none of them, or AzureIdentities state different client ids for the resource id that it names.',
    'azure-refused': 'Azure rejects this request from any caller.',
    'unknown-pod': 'A process of the node named a pod that does not run here.',
    'too-fast': 'The caller makes more requests a second than allowed, and too many are waiting already.',
    overloaded:
      'Too many requests of the pod, its namespace or its node are waiting already, or too many of their rights are to be reviewed.',
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
    'bad-method': 'The method is not GET.',
    'path-malformed': 'The path or query has characters that are not allowed.',
    'path-identity': 'A path below /metadata/identity that is not the one for tokens.',
    'path-foreign': "A probe for another cloud's metadata service.",
    'path-unknown': 'There is nothing at the path.',
  },
  'a cluster administrator': {
    'access-denied':
      'The ServiceAccount of the pod has no right to use the Azure identity, or the machine if the pod is exempt (`--identity-access`).',
    'access-unanswered':
      'The API server does not say whether the ServiceAccount of the pod may use the Azure identity, and has not said so within `--access-grace`.',
    'azure-proxy':
      'No request can be sent to the login endpoint: the value of `HTTPS_PROXY` is not the address of a proxy. The response says so.',
    outdated:
      'The API server has reported nothing for longer than --pod-check-outage: rights may have been revoked.',
    blocked: 'This part of the metadata service is not available to pods.',
    'metadata-too-large': 'The response of the metadata service of the machine was too large.',
  },
  'nobody if it passes; see the log of NMI if it lasts': {
    'assignment-unattached':
      'The identity is not attached: the metadata service of the machine does not know it.',
    'assignment-unbound':
      'The pod has started less than `--binding-grace` ago, and an AzureIdentityBinding for it, an AzureIdentity, one with the requested client id, or the right to use it does not exist yet.',
    'azure-throttled':
      'Azure throttles requests, or the pod has used up its share of the requests that Azure allows.',
    'azure-updating': 'The metadata service of the machine is being updated.',
    'azure-unavailable':
      'Azure returned no usable response, or for a federated identity the broker gave none.',
    'unknown-caller': 'No pod of the node has the address.',
    'ambiguous-caller': 'More than one pod of the node has the address.',
    unconfirmed:
      'The API server does not confirm that the pod has the address, or the pod was deleted meanwhile.',
    'rights-changed': 'The bindings or identities of the pod changed while its token was requested.',
    starting:
      'The agent has not read the cluster yet, or not the namespace of a pod that has just come to the node.',
    'metadata-unavailable': 'The metadata service of the machine returned no usable response.',
  },
  'whoever manages the identity and its roles in Azure; MIC or, in managed mode, the operator attaches it': {
    'azure-not-on-host':
      'The pod is exempt, and the identity that it requests is not attached to the machine.',
    'azure-denied': 'Azure refuses the identity, or the broker refuses the pod: the response says which.',
    'azure-no-credential':
      'Microsoft Entra knows no federated credential of the identity that trusts the broker. The response has the command that creates it; a new one takes minutes to work.',
  },
  'the authors: report it': {
    crashed: 'The agent failed on the request: a bug.',
  },
} as const;

type ByActor = typeof reasonsByActor;
export type Reason = { [Actor in keyof ByActor]: keyof ByActor[Actor] }[keyof ByActor];
