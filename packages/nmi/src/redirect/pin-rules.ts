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
  const hooked = (hook: string) => [
    `\tchain ${hook} {`,
    `\t\ttype nat hook ${hook} priority -110; policy accept;`,
    '\t\tjump ports',
    '\t}',
  ];
  const lines = ['\tchain ports {', ...rules, '\t}', ...hooked('prerouting'), ...hooked('output')];
  return [
    `table ip ${pinTable}`,
    `delete table ip ${pinTable}`,
    `table ip ${pinTable} {`,
    ...lines,
    '}',
    '',
  ].join('\n');
}

function ruleOf({ host, port }: PinnedSocket): string[] {
  if (port === 0) return [];
  const kept = `tcp dport ${port} dnat to ip daddr`;
  if (wildcards.has(host)) return [`\t\tfib daddr type local ${kept}`];
  return /^\d+(\.\d+){3}$/.test(host) ? [`\t\tip daddr ${host} ${kept}`] : [];
}
