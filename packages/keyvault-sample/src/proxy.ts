type Environment = Readonly<Record<string, string | undefined>>;

/** The environment variables that send requests to an HTTP proxy; undefined where they go directly. */
export interface Proxies {
  readonly vault: string | undefined;
  /** Of requests for tokens of a managed identity. */
  readonly tokens: string | undefined;
  /** The host that requests for tokens go to. */
  readonly metadataHost: string;
}

/** From which the Azure SDK takes the address of an HTTP proxy, for http and https alike. */
export const proxyVariableOf = (env: Environment): string | undefined =>
  ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'HTTP_PROXY', 'http_proxy'].find(
    (name) => (env[name] ?? '') !== '',
  );

export function proxiesOf(env: Environment, vaultHost: string, isImds: boolean): Proxies {
  const endpoint = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? '';
  const metadataHost = URL.canParse(endpoint) ? new URL(endpoint).hostname : '169.254.169.254';
  // The SDK takes an entry as a host, or after a dot as a domain.
  const exceptions = ([env['NO_PROXY'], env['no_proxy']].find(Boolean) ?? '')
    .split(',')
    .map((entry) => entry.trim());
  const variableFor = (host: string): string | undefined =>
    exceptions.some((entry) => entry === host || (entry.startsWith('.') && `.${host}`.endsWith(entry)))
      ? undefined
      : proxyVariableOf(env);
  // imds-client never uses a proxy.
  const tokens = isImds ? undefined : variableFor(metadataHost);
  return { vault: variableFor(vaultHost), tokens, metadataHost };
}
