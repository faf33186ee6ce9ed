/** What decides whether the `fetch` of a runtime uses a proxy. */
export interface ProxySetting {
  readonly endpoint: string;
  readonly env: Readonly<Partial<Record<string, string>>>;
  /** Bun and Deno always use the proxy of the environment; Node does if it is told so. */
  readonly runtime: 'node' | 'bun' | 'deno';
  /** `process.execArgv`: flags of Node. */
  readonly flags: readonly string[];
}

/** The variable that names the proxy through which `fetch` would lead a request for the endpoint; undefined: none would. */
export function proxyOfFetch(setting: ProxySetting): string | undefined {
  const { endpoint, env, runtime } = setting;
  if (runtime === 'node' && !isToldToUseProxies(setting)) return undefined;
  const { protocol, hostname, port } = new URL(endpoint);
  if (isExcepted(`${env['no_proxy'] ?? ''},${env['NO_PROXY'] ?? ''}`, hostname, port)) return undefined;
  const own = protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const names = [own, own.toUpperCase(), 'all_proxy', 'ALL_PROXY'];
  return names.find((name) => (env[name] ?? '') !== '');
}

/** An endpoint that is on this machine or its link: a proxy reaches another machine's. */
export function isLocal(endpoint: string): boolean {
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
  return (
    /^(localhost|127\.|169\.254\.|::1$|fe[89ab][0-9a-f]:|fd00:ec2::)/i.test(host) ||
    host.endsWith('.localhost')
  );
}

function isToldToUseProxies({ env, flags }: ProxySetting): boolean {
  const options = [...flags, ...(env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return env['NODE_USE_ENV_PROXY'] === '1' || options.includes('--use-env-proxy');
}

function isExcepted(list: string, hostname: string, port: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((one) => one === '*' || one === host || one === `${hostname}:${port}`);
}
