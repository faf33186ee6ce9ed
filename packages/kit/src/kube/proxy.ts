// Through which proxy a user's program reaches the API server. Which hosts NO_PROXY excepts is decided by Node's agents.
import { KubeError } from './errors.ts';

export type ProxyEnv = Readonly<Record<string, string | undefined>>;

/** What Node's agents are to be given; undefined: no proxy. As kubectl, none for loopback addresses, of clusters on this machine. */
export function proxyFor(server: string, env: ProxyEnv): ProxyEnv | undefined {
  const { protocol, hostname } = new URL(server);
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = valueIn(env, name);
  if (proxy === undefined || /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname)) return undefined;
  return { ...readProxy(name, proxy), NO_PROXY: valueIn(env, 'NO_PROXY') };
}

/** For all hosts the proxy of this address, or an error without it: it may have a password. */
export function readProxy(where: string, text: string): ProxyEnv {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null) throw new KubeError('invalid', `${where} is not the address of a proxy`);
  const { href, protocol } = url;
  if (protocol === 'http:' || protocol === 'https:') return { HTTP_PROXY: href, HTTPS_PROXY: href };
  const which = `names a ${protocol.replace(':', '')} proxy`;
  throw new KubeError('invalid', `${where} ${which}, which is not supported: use one of http or https`);
}

function valueIn(env: ProxyEnv, name: string): string | undefined {
  return [env[name], env[name.toLowerCase()]].find((text) => text !== undefined && text !== '');
}
