import type { ImdsError, ImdsErrorCode } from '../errors.ts';
import type { TokenWish } from './arguments.ts';

/** Names and values of the environment. Values of secrets are not read. */
export type Env = Readonly<Partial<Record<string, string>>>;

const remedies: Readonly<Record<ImdsErrorCode, string>> = {
  'bad-request':
    'Check --resource: it must be the audience of a service that the tenant of the identity knows.',
  'identity-not-found':
    'The pod or the machine does not have this identity. For a pod: an AzureIdentity, an AzureIdentityBinding, the right of its ServiceAccount, and the label aadpodidbinding; "nmi explain NAMESPACE/POD" in the NMI of its node says what is missing. For a machine: "az vm identity assign" or "az vmss identity assign".',
  'ambiguous-identity': 'Name the identity: --client-id, --object-id or --resource-id.',
  denied:
    'The endpoint knows the caller and refuses. For a pod: "nmi explain NAMESPACE/POD" in the NMI of its node says why; often its ServiceAccount lacks the right to use the identity.',
  throttled:
    'The metadata service allows a few requests a second for all programs of the machine: keep the token, as this package does.',
  unavailable:
    'The metadata service is busy or the identity is being assigned: try again in a minute. For a pod, "kubectl describe pod" shows its Events.',
  timeout:
    'Something holds the request. For a pod: NMI holds it while the identity is being assigned ("kubectl describe pod" shows Events); without NMI, a network policy or a firewall may drop it.',
  aborted: 'The command was stopped: try again.',
  'invalid-response':
    'What answers there is no metadata service, or the clock of this machine is wrong: check --endpoint, AZURE_POD_IDENTITY_AUTHORITY_HOST and the time.',
};

/** What to do about an error. */
export function remedyOf(error: ImdsError): string {
  const { retryAfterMs } = error;
  const when =
    retryAfterMs === undefined
      ? ''
      : ` It is to be asked again in ${Math.ceil(retryAfterMs / 1000)} seconds.`;
  return `${remedyFor(error)}${when}`;
}

function remedyFor(error: ImdsError): string {
  if (error.code === 'unavailable' && error.status === undefined) {
    return 'There is a metadata service in machines in Azure, and in pods whose calls NMI gets: is this one of them, and does NMI run on its node? Elsewhere, set AZURE_POD_IDENTITY_AUTHORITY_HOST.';
  }
  return remedies[error.code];
}

const otherEndpoints = ['IDENTITY_ENDPOINT', 'MSI_ENDPOINT'];
const proxies = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];

/** Why DefaultAzureCredential, in the same environment, may do something else than this command. */
export function differences(env: Env, { identity }: TokenWish): string[] {
  const isSet = (name: string) => (env[name] ?? '') !== '';
  const clientId = env['AZURE_CLIENT_ID'] ?? '';
  return [
    ...(isSet('AZURE_FEDERATED_TOKEN_FILE')
      ? ['AZURE_FEDERATED_TOKEN_FILE is set: DefaultAzureCredential tries workload identity first.']
      : []),
    ...['AZURE_CLIENT_SECRET', 'AZURE_CLIENT_CERTIFICATE_PATH']
      .filter(isSet)
      .map((name) => `${name} is set: DefaultAzureCredential tries this application first.`),
    ...otherEndpoints
      .filter(isSet)
      .map(
        (name) => `${name} is set: Azure's SDKs ask the service of App Service or Azure Arc, not this one.`,
      ),
    ...(clientId !== '' && identity?.clientId?.toLowerCase() !== clientId.toLowerCase()
      ? [
          `AZURE_CLIENT_ID is ${clientId.slice(0, 100)}: DefaultAzureCredential asks for it; try --client-id with it.`,
        ]
      : []),
    ...(isSet('AZURE_TOKEN_CREDENTIALS')
      ? ['AZURE_TOKEN_CREDENTIALS is set: it chooses which credentials DefaultAzureCredential tries.']
      : []),
    ...proxies
      .filter(isSet)
      .slice(0, 1)
      .map(
        (name) =>
          `${name} is set: this command does not use it; other clients may, unless NO_PROXY has the endpoint.`,
      ),
  ];
}
