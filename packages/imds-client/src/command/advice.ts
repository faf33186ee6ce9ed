import { isImdsError, type ImdsError, type ImdsErrorCode } from '../errors.ts';
import { webPage } from '../text.ts';
import { noExpiry } from '../response.ts';

const refusedByAzure =
  'Azure refuses the identity: check that it, or its application, still exists, and its secret or certificate.';

const remedies: Readonly<Record<ImdsErrorCode, string>> = {
  'bad-request': 'The request itself is refused: the result says why.',
  'identity-not-found':
    'The pod or the machine does not have this identity. For a pod: an AzureIdentity, an AzureIdentityBinding, the right of its ServiceAccount, and the label aadpodidbinding; "kubectl azure-pod-identity explain NAMESPACE/POD" says what is missing. For a machine: "az vm identity assign" or "az vmss identity assign".',
  'ambiguous-identity': 'Name the identity: --client-id, --object-id or --resource-id.',
  denied: `If NMI wrote this text, follow it: the NMI of aad-pod-identity sends 403 whenever Azure gives no token, whatever the reason. Otherwise ${refusedByAzure}`,
  throttled:
    'The metadata service allows a few requests a second for all programs of the machine: keep the token, as this package does.',
  unavailable:
    'The metadata service is busy or the identity is being assigned. For a pod, "kubectl describe pod" shows its Events.',
  timeout:
    'Something holds the request. For a pod: NMI holds it while the identity is being assigned ("kubectl describe pod" shows Events); without NMI, a network policy or a firewall may drop it.',
  aborted: 'The command was stopped: try again.',
  'invalid-response':
    'What answers there is no metadata service: check --endpoint and AZURE_POD_IDENTITY_AUTHORITY_HOST.',
};

const special = {
  webPage:
    'A web page answers there, such as that of a proxy, a gateway or a login, and no metadata service: check --endpoint and AZURE_POD_IDENTITY_AUTHORITY_HOST.',
  unreachable:
    'There is a metadata service in machines in Azure, and in pods whose calls NMI gets: is this one of them, and does NMI run on its node? Elsewhere, set AZURE_POD_IDENTITY_AUTHORITY_HOST.',
  unknownResource:
    'Check --resource: it must be the audience of a service that the tenant of the identity knows.',
  expiry:
    'The token has no expiry that can be true by the clock of this machine: compare it ("date -u") with the right time. If the clock is right, the service is at fault.',
};

/** What to do about an error. */
export function remedyOf(error: ImdsError): string {
  const { code, cause, reason, status, retryAfterMs } = error;
  // After the deadline, what the last attempt ended with is to be mended.
  if (code === 'timeout' && isImdsError(cause) && cause.code !== 'timeout') return remedyOf(cause);
  if (reason.includes(webPage)) return special.webPage;
  const remedy = remedyFor(error);
  if (retryAfterMs !== undefined) return `${remedy} Try again in ${Math.ceil(retryAfterMs / 1000)} seconds.`;
  return code === 'unavailable' && status !== undefined ? `${remedy} Try again in a minute.` : remedy;
}

function remedyFor(error: ImdsError): string {
  const { code, status, reason } = error;
  if (code === 'unavailable' && status === undefined) return special.unreachable;
  if (code === 'bad-request' || code === 'denied') return remedyForRefused(error);
  return reason.includes(noExpiry) ? special.expiry : remedies[code];
}

/** In a response of a metadata service, or of the NMI of aad-pod-identity, a code of Entra is only within the text. */
function remedyForRefused({ code, reason, serviceCode }: ImdsError): string {
  const entraCode = /\bAADSTS(\d+)\b/.exec(reason)?.[1];
  // Microsoft Entra does not know the resource.
  const isUnknown = entraCode === '50001' || entraCode === '500011';
  if (serviceCode === 'invalid_resource' || isUnknown) return special.unknownResource;
  // Such a code is by Azure, even if NMI passes it on.
  return code === 'denied' && entraCode !== undefined ? refusedByAzure : remedies[code];
}
