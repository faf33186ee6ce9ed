// Through which proxy a user's program reaches the API server, by the rules that kubectl has from Go.
import { BlockList, isIP } from 'node:net';
import { KubeError } from './errors.ts';

export type ProxyEnv = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for this server; undefined: none. */
export function proxyFor(server: string, env: ProxyEnv): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = valueIn(env, name);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (proxy === undefined || isLoopback(host)) return undefined;
  const target = { host, port: port || (protocol === 'https:' ? '443' : '80') };
  const excepted = (valueIn(env, 'NO_PROXY') ?? '').split(',').map((entry) => entry.trim().toLowerCase());
  return excepted.some((entry) => isExcepted(target, entry)) ? undefined : readProxy(name, proxy);
}

/** The address of a proxy, or an error without it: it may have a password. */
export function readProxy(where: string, text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null) throw new KubeError('invalid', `${where} is not the address of a proxy`);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.href;
  const scheme = url.protocol.replace(':', '');
  throw new KubeError(
    'invalid',
    `${where} names a ${scheme} proxy, which is not supported: use one of http or https`,
  );
}

function valueIn(env: ProxyEnv, name: string): string | undefined {
  return [env[name], env[name.toLowerCase()]].find((text) => text !== undefined && text !== '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

interface Target {
  readonly host: string;
  readonly port: string;
}

/** An entry is `*`, an address, a range (CIDR) or a domain, which has its subdomains; an address and a domain may have a port. */
function isExcepted(target: Target, entry: string): boolean {
  if (entry === '' || entry === '*') return entry === '*';
  return entry.includes('/') ? isInRange(target.host, entry) : isNamed(target, entry);
}

function isNamed({ host, port }: Target, entry: string): boolean {
  const [, name = entry, only = port] = (isIP(entry) === 6 ? null : /^(.*[^:]):(\d+)$/.exec(entry)) ?? [];
  if (only !== port) return false;
  const isSubdomain = /^\*?\./.test(name);
  const domain = name.replace(/^\*?\./, '').replace(/^\[|\]$/g, '');
  return host.endsWith(`.${domain}`) || (host === domain && !isSubdomain);
}

function isInRange(host: string, range: string): boolean {
  const [network = '', prefix = ''] = range.split('/');
  const kind = isIP(host) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(host) === 0 || isIP(network) !== isIP(host) || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (kind === 'ipv6' ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), kind);
  return list.check(host, kind);
}
