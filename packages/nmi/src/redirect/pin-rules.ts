import { chain, tableText } from './nftables-rules.ts';

/** Where NMI listens. An empty host: all addresses. Port 0: chosen by the system. */
export interface PinnedSocket {
  readonly host: string;
  readonly port: number;
}

export const pinTable = 'aad_pod_identity_ports';

const wildcards: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/**
 * Input of `nft -f -`: packets to NMI's own addresses and ports keep their destination. The plug-in for `hostPort` redirects the port of all local
 * addresses to its Pod, and so does a Service with a node port. The kernel translates the destination of a connection once: to what it
 * is, by these chains, which come first (-105 is the redirect's, -100 the usual one). Undefined: no address of IPv4 with a fixed port.
 */
export function pinInput(sockets: readonly PinnedSocket[]): string | undefined {
  const rules = new Set(sockets.flatMap(ruleOf));
  if (rules.size === 0) return undefined;
  const hooked = (hook: string) =>
    chain(hook, [`type nat hook ${hook} priority -110; policy accept;`, 'jump ports']);
  return tableText(pinTable, [...chain('ports', [...rules]), ...hooked('prerouting'), ...hooked('output')]);
}

function ruleOf({ host, port }: PinnedSocket): string[] {
  if (port === 0) return [];
  const kept = `tcp dport ${port} dnat to ip daddr`;
  if (wildcards.has(host)) return [`fib daddr type local ${kept}`];
  return /^\d+(\.\d+){3}$/.test(host) ? [`ip daddr ${host} ${kept}`] : [];
}
