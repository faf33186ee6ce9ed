type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment variable by which the Azure SDK sends requests for this host to an HTTP proxy; undefined if they go directly. The SDK
 * reads these variables for http and https alike, and takes an entry of NO_PROXY as a host, or after a dot as a domain.
 */
export function proxyVariableFor(env: Environment, host: string): string | undefined {
  const variable = ['HTTPS_PROXY', 'ALL_PROXY', 'HTTP_PROXY']
    .flatMap((name) => [name, name.toLowerCase()])
    .find((name) => (env[name] ?? '') !== '');
  const exceptions = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((entry) => entry.trim());
  const isException = exceptions.some(
    (entry) => entry === host || (entry.startsWith('.') && `.${host}`.endsWith(entry)),
  );
  return isException ? undefined : variable;
}
