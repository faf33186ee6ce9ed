type Environment = Readonly<Record<string, string | undefined>>;

/** The environment variable from which the Azure SDK takes the address of an HTTP proxy, if there is one. */
export const proxyVariableOf = (env: Environment): string | undefined =>
  ['HTTPS_PROXY', 'ALL_PROXY', 'HTTP_PROXY']
    .flatMap((name) => [name, name.toLowerCase()])
    .find((name) => (env[name] ?? '') !== '');

/** Of a proxy, as the Azure SDK takes it. */
export function isProxyUrl(text: string): boolean {
  return !/\s/.test(text) && URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/**
 * The environment variable by which the Azure SDK sends requests for this host to an HTTP proxy; undefined if they go directly. The SDK
 * reads these variables for http and https alike, and takes an entry of NO_PROXY as a host, or after a dot as a domain.
 */
function proxyVariableFor(env: Environment, host: string): string | undefined {
  const variable = proxyVariableOf(env);
  const given = [env['NO_PROXY'], env['no_proxy']].find((value) => (value ?? '') !== '');
  const exceptions = (given ?? '').split(',').map((entry) => entry.trim());
  const isException = exceptions.some(
    (entry) => entry === host || (entry.startsWith('.') && `.${host}`.endsWith(entry)),
  );
  return isException ? undefined : variable;
}

/** Both credentials read it themselves. */
export const endpointVariable = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';

/** The host of the metadata service, which gives tokens. */
function metadataHostOf(env: Environment): string {
  const endpoint = env[endpointVariable] ?? '';
  return endpoint === '' ? '169.254.169.254' : new URL(endpoint).hostname;
}

/** The environment variables that send requests to an HTTP proxy; undefined where they go directly. */
export interface Proxies {
  /** Requests for the vault. */
  readonly vault: string | undefined;
  /** Requests for tokens of a managed identity. */
  readonly tokens: string | undefined;
  /** The host that requests for tokens go to. */
  readonly metadataHost: string;
}

/** From an environment without problems. */
export function proxiesOf(
  env: Environment,
  { vaultUrl, credential }: { readonly vaultUrl: string; readonly credential: string },
): Proxies {
  const metadataHost = metadataHostOf(env);
  return {
    metadataHost,
    vault: proxyVariableFor(env, new URL(vaultUrl).hostname),
    // imds-client never uses a proxy.
    tokens: credential === 'imds' ? undefined : proxyVariableFor(env, metadataHost),
  };
}
