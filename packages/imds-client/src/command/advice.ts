import { isImdsError, type ImdsError, type ImdsErrorCode } from '../errors.ts';

const remedies: Readonly<Record<ImdsErrorCode, string>> = {
  'bad-request': 'The request itself is refused: the result says why.',
  'identity-not-found':
    'The pod or the machine does not have this identity. For a pod: an AzureIdentity, an AzureIdentityBinding, the right of its ServiceAccount, and the label aadpodidbinding; "kubectl azure-pod-identity explain NAMESPACE/POD" says what is missing. For a machine: "az vm identity assign" or "az vmss identity assign".',
  'ambiguous-identity': 'Name the identity: --client-id, --object-id or --resource-id.',
  denied:
    'If NMI wrote this text, follow it. Otherwise Azure refuses the identity: check that it, or its application, still exists, and its secret or certificate.',
  throttled:
    'The metadata service allows a few requests a second for all programs of the machine: keep the token, as this package does.',
  unavailable:
    'The metadata service is busy, the identity is being assigned ("kubectl describe pod" shows Events), or there is none: it is in machines in Azure, and in pods whose calls NMI gets. Elsewhere, set AZURE_POD_IDENTITY_AUTHORITY_HOST.',
  timeout:
    'Something holds the request. For a pod: NMI holds it while the identity is being assigned ("kubectl describe pod" shows Events); without NMI, a network policy or a firewall may drop it.',
  aborted: 'The command was stopped: try again.',
  'invalid-response':
    'What answers there is no metadata service: check --endpoint and AZURE_POD_IDENTITY_AUTHORITY_HOST.',
};

/** What to do about an error. After the deadline, what the last attempt ended with is to be mended. */
export function remedyOf({ code, cause }: ImdsError): string {
  return remedies[code === 'timeout' && isImdsError(cause) ? cause.code : code];
}
