/** For each reason why a read fails: what is wrong, and what to do. Words in braces are replaced. */
export const sentences = {
  'no-identity':
    'This pod has no Azure identity. Label the pod and create an AzureIdentity and an AzureIdentityBinding; if AZURE_CLIENT_ID is set, correct or unset it. {explain}',
  'no-access':
    'The ServiceAccount of this pod has no right to use the identity. A cluster administrator can give it the right; the details have the command',
  'several-identities':
    'This pod has several identities, and none was named. Set AZURE_CLIENT_ID to the client id of one of them',
  'identity-pending':
    'The identity of this pod is not ready yet. Wait: the next round tries again. If this lasts for minutes, read the Events of the pod. {explain}',
  'token-refused':
    'The request for a token is refused ({codes}). Change what the details name: a setting of the pod, the AzureIdentity, or the identity or application in Azure, which may be deleted or have an expired secret',
  'no-endpoint':
    'No endpoint that gives tokens can be reached, or something else responds there. Check that the pod runs on Azure, that NMI runs on its node, and that no network policy or proxy is between the pod and {host}',
  'no-role':
    "The identity has no right to {right} of this vault. Give it (object id {objectId}) the role '{role}', or an access policy where the vault has these; a new role takes effect within 10 minutes",
  'other-tenant':
    'The vault does not accept tokens of this identity. Use an identity of the tenant of the vault',
  'not-found': 'The vault has no {kind} of this name. Check the name, and whether the {kind} was deleted',
  disabled: 'The newest version of this {kind} is disabled. Enable it, or create a new version',
  firewall:
    "The firewall of the vault refuses the network of this pod. Add the cluster's subnet or outbound address in the vault's Networking settings, or reach the vault by a private endpoint",
  'no-such-vault':
    'DNS knows no {host}. Check the name in KEYVAULT_URL and whether the vault was deleted; with a private endpoint, link the zone privatelink.vaultcore.azure.net to the network of the cluster',
  unreachable:
    '{host} cannot be reached, or gave no response in three minutes ({codes}). Check network policies, firewalls, routes and proxies between the pod and DNS (port 53, UDP and TCP), the vault (port 443) and the metadata service',
  proxy:
    'The HTTP proxy that {proxy} names, or something behind it, responded in place of {host}, or cannot be reached ({codes}). Add {host} to NO_PROXY, or set CREDENTIAL=imds if it is the host that gives tokens; or allow {host} in the proxy, or correct {proxy}',
  'certificate-of-tls':
    'The certificate that {host} shows is not trusted ({codes}). A proxy that reads TLS has an authority of its own: set NODE_EXTRA_CA_CERTS to its certificate, or exempt the vault in the proxy',
  unavailable:
    '{service} is not available at the moment ({status}). Wait: the next round tries again. If this lasts, set a longer INTERVAL_SECONDS, and read the health of the vault in the Azure portal, or for tokens the log of NMI on the node',
  unreadable:
    '{host} sent a response that is not one of Key Vault ({codes}). Check KEYVAULT_URL, and that no firewall, gateway or proxy responds in place of the vault or changes its responses. For a vault behind a name of yours set KEYVAULT_SKIP_CHALLENGE_VERIFICATION=true',
  unknown:
    'The read failed ({codes}). Look the code up in the documentation of Key Vault, Node.js and the Azure SDK',
};

export type Reason = keyof typeof sentences;

const explain =
  'Which step is missing says: kubectl -n aad-pod-identity exec deploy/mic -- node /app/mic.js explain NAMESPACE/POD (or ask the administrator of the cluster)';

export const sentenceFor = (reason: Reason, values: Readonly<Record<string, string | undefined>>): string =>
  sentences[reason]
    .replace('{explain}', explain)
    .replace(/\{(\w+)\}/g, (_, word: string) => values[word] ?? 'unknown');
