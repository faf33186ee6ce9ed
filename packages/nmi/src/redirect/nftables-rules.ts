import { firewallMark } from './route-rules.ts';
import { leadsToLoopback, selfTestPort, type RedirectTarget } from './target.ts';

/** A table of our own: nobody else's rules are touched, and a table of the ip family leaves IPv6 alone. */
export const table = 'aad_pod_identity';

/**
 * What `nft -f -` reads to replace the table in one transaction. Naming the table before deleting it makes the deletion
 * succeed on a node that has none. Our chains come a little before the usual places, so that nobody leads or lets a
 * call away before us. The same rules as those of iptables-rules.ts, where each is explained.
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
  return [`table ip ${table}`, removeInput(), `table ip ${table} {`, ...lines, '}', ''].join('\n');
}

/** For `nft -f -`, after the table was seen or made. */
export function removeInput(): string {
  return `delete table ip ${table}`;
}

/** The usual places are -100 (dstnat) and 0 (filter). To be marked is what nobody has led elsewhere by then. */
const priorities = { nat: -105, mark: -95, filter: -5 };

function hooked(hook: string, type: 'nat' | 'filter', rules: readonly string[]): string[] {
  return chain(hook, [`type ${type} hook ${hook} priority ${priorities[type]}; policy accept;`, ...rules]);
}

function chain(name: string, rules: readonly string[]): string[] {
  return [`\tchain ${name} {`, ...rules.map((rule) => `\t\t${rule}`), '\t}'];
}
