import { firewallMark } from './route-rules.ts';
import { leadsToLoopback, selfTestPort, type RedirectTarget } from './target.ts';

/** A separate table: other rules are not touched; family ip: IPv6 is not affected. */
export const table = 'aad_pod_identity';

/**
 * Input of `nft -f -` that replaces the table in one transaction. Naming the table before it is deleted makes this work if there is none.
 * The chains have a slightly earlier priority than usual ones.
 * - metadata: redirects packets to the metadata service, except those of the node's own processes, as the original does. The self-test of
 *   the node, from its own source port, is redirected as well.
 * - refuse: a packet that still has the metadata service's address was not redirected: its connection is older than the rules, the nat rules
 *   are missing, or a Service leads there. It is refused, so that the caller fails at once.
 * - the self-test: it must not reach the metadata service, and a late response of that service must not create a conntrack entry by which the
 *   next tests would not be redirected.
 * - loopback, if the agent listens on a loopback address: this needs route_localnet, which lets packets from outside reach 127.0.0.0/8. Only
 *   redirected packets and replies are allowed; other listeners on 127.0.0.1 stay protected (CVE-2020-8558).
 * - unled: marks packets that were not redirected (route-rules.ts), so that routing leaves them to refuse.
 */
export function tableInput(target: RedirectTarget): string {
  const { metadata, listen } = target;
  const toMetadata = `ip daddr ${metadata.host} tcp dport ${metadata.port}`;
  const loopback = leadsToLoopback(target);
  const lines = [
    chain('metadata', [`ip saddr != 127.0.0.1 ${toMetadata} dnat to ${listen.host}:${listen.port}`]),
    hooked('prerouting', 'nat', ['jump metadata']),
    hooked('output', 'nat', [`tcp sport ${selfTestPort} jump metadata`]),
    chain('unled', [
      `type filter hook prerouting priority ${priorities.mark}; policy accept;`,
      `iif != "lo" ${toMetadata} meta mark set meta mark | ${firewallMark}`,
    ]),
    chain('refuse', [`${toMetadata} reject with tcp reset`]),
    ...(loopback ? [chain('loopback', ['ct status dnat return', 'ct direction reply return', 'drop'])] : []),
    hooked('input', 'filter', [
      'iif "lo" accept',
      'jump refuse',
      `ip saddr ${metadata.host} tcp sport ${metadata.port} tcp dport ${selfTestPort} drop`,
      ...(loopback ? ['ip daddr 127.0.0.0/8 jump loopback'] : []),
    ]),
    hooked('forward', 'filter', ['jump refuse']),
    chain('probe', [
      `type filter hook output priority ${priorities.filter}; policy accept;`,
      `tcp sport ${selfTestPort} jump refuse`,
    ]),
  ].flat();
  return tableText(table, lines);
}

/** Input that replaces a table. */
export function tableText(name: string, lines: readonly string[]): string {
  return [`table ip ${name}`, `delete table ip ${name}`, `table ip ${name} {`, ...lines, '}', ''].join('\n');
}

/** The usual priorities are -100 (dstnat) and 0 (filter). Packets that were not redirected by then are marked. */
const priorities = { nat: -105, mark: -95, filter: -5 };

function hooked(hook: string, type: 'nat' | 'filter', rules: readonly string[]): string[] {
  return chain(hook, [`type ${type} hook ${hook} priority ${priorities[type]}; policy accept;`, ...rules]);
}

export function chain(name: string, rules: readonly string[]): string[] {
  return [`\tchain ${name} {`, ...rules.map((rule) => `\t\t${rule}`), '\t}'];
}
