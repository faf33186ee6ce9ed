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
  const lists = exceptionsOf(setting);
  if (lists.length > 0 && lists.every((list) => isExcepted(list, endpoint, runtime))) return undefined;
  const isSecure = new URL(endpoint).protocol === 'https:';
  const names = [
    ...(isSecure ? ['https_proxy'] : []),
    // Node uses it for https, too, if there is no other.
    ...(!isSecure || runtime === 'node' ? ['http_proxy'] : []),
    'all_proxy',
  ];
  return names.flatMap((name) => [name, name.toUpperCase()]).find((name) => (env[name] ?? '') !== '');
}

/** Node reads `no_proxy` alone if it is set, even if it is empty. Of others it is not known: each list must have the endpoint. */
function exceptionsOf({ env, runtime }: ProxySetting): string[] {
  const lists = [env['no_proxy'], env['NO_PROXY']].filter((list) => list !== undefined);
  return runtime === 'node' ? lists.slice(0, 1) : lists.filter((list) => list !== '');
}

/** An endpoint that is on this machine or its link: a proxy reaches another machine's. */
export function isLocal(endpoint: string): boolean {
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
  // After ::ffff: the same IPv4 addresses, mapped to IPv6.
  return /^(localhost|127\.|169\.254\.|0\.0\.0\.0$|::1?$|fe[89ab][0-9a-f]:|fd00:ec2::|::ffff:(7f[0-9a-f]{2}:|a9fe:|0:0$))|\.localhost$/.test(
    host,
  );
}

function isToldToUseProxies({ env, flags }: ProxySetting): boolean {
  const options = [...flags, ...(env['NODE_OPTIONS'] ?? '').replace(/["\\]/g, '').split(/\s+/)];
  const isOption = (option: string) => option.replaceAll('_', '-') === '--use-env-proxy';
  return env['NODE_USE_ENV_PROXY'] === '1' || options.some(isOption);
}

function isExcepted(list: string, endpoint: string, runtime: ProxySetting['runtime']): boolean {
  const { hostname, port } = new URL(endpoint);
  // Node would take the last part of an IPv6 address without brackets for a port.
  const host = runtime === 'node' ? hostname : hostname.replace(/^\[|\]$/g, '');
  const entries = list.toLowerCase().split(/[\s,]+/);
  // `*` counts only alone.
  return list.trim() === '*' || entries.some((one) => one === host || one === `${hostname}:${port}`);
}
