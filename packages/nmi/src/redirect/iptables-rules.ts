import { firewallMark } from './route-rules.ts';
import { leadsToLoopback, selfTestPort, type RedirectTarget } from './target.ts';

/** Not the original's name: the original deletes its chain when it ends, and would delete ours while it is being replaced. */
export const chain = 'aad-pod-identity';
/** The name of the original's chain, which is in nat alone; our earlier versions used it in all three tables. */
export const earlierChain = 'aad-metadata';

export type TableName = 'nat' | 'filter' | 'mangle';
export const tableNames: readonly TableName[] = ['nat', 'filter', 'mangle'];

/** The built-in chains that lead into ours. */
export const hooks: Readonly<Record<TableName, readonly string[]>> = {
  nat: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING'],
};

/** Rules of one table as `iptables -S` lists them, of our chain, of the earlier one and of the built-in ones. */
export interface TableListing {
  /** Which of these two chains exist. */
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

interface WantedTable {
  /** The rules of our chain. */
  readonly rules: readonly string[];
  /** Each must be the first of its built-in chain. */
  readonly jumps: readonly string[];
}

/**
 * What each table must hold.
 * - nat: what anybody but the node's own processes sends to the metadata service goes to the agent, by the original's own
 *   two rules. A call of the node from the port of the self-test takes the same way.
 * - filter: a packet that still bears the metadata service's address here was led nowhere. It belongs to a connection older
 *   than the rules, or the rules of nat are lost, or a Service leads there. It is refused, so that the caller learns at once.
 * - filter, for the self-test: it must never reach the metadata service itself, and a late answer of that service to one
 *   that did must not have the kernel remember a connection on which the next ones would go unled.
 * - filter, when the agent listens on a loopback address: the kernel must then let packets from outside through to such
 *   addresses (route_localnet). Only what was led here may come, and what answers the node's own; the node's other
 *   listeners on 127.0.0.1 stay its own (CVE-2020-8558).
 * - mangle: what belongs to a connection that was led nowhere bears the mark of route-rules.ts, so that it gets to filter.
 *   Of a new one it is not known yet here, before nat; if nat leads it nowhere, routing refuses it.
 */
export function wantedTables(target: RedirectTarget): Readonly<Record<TableName, WantedTable>> {
  const { metadata, listen } = target;
  const to = `-d ${metadata.host}/32 -p tcp -m tcp`;
  const outputJump = `-A OUTPUT ${to} --sport ${selfTestPort} --dport ${metadata.port} -j ${chain}`;
  const loopback = [
    `-A ${chain} -d 127.0.0.0/8 -m conntrack --ctstate DNAT -j RETURN`,
    `-A ${chain} -d 127.0.0.0/8 -m conntrack --ctdir REPLY -j RETURN`,
    `-A ${chain} -d 127.0.0.0/8 -j DROP`,
  ];
  return {
    nat: {
      rules: [
        `-A ${chain} ! -s 127.0.0.1/32 ${to} --dport ${metadata.port} -j DNAT --to-destination ${listen.host}:${listen.port}`,
        `-A ${chain} -j RETURN`,
      ],
      jumps: [`-A PREROUTING -j ${chain}`, outputJump],
    },
    filter: {
      rules: [
        `-A ${chain} ${to} --dport ${metadata.port} -j REJECT --reject-with tcp-reset`,
        `-A ${chain} -s ${metadata.host}/32 -p tcp -m tcp --sport ${metadata.port} --dport ${selfTestPort} -j DROP`,
        ...(leadsToLoopback(target) ? loopback : []),
      ],
      jumps: [`-A INPUT ! -i lo -j ${chain}`, `-A FORWARD -j ${chain}`, outputJump],
    },
    mangle: {
      rules: [
        `-A ${chain} ${to} --dport ${metadata.port} -m conntrack ! --ctstate NEW,DNAT -j MARK --set-xmark ${firewallMark}/${firewallMark}`,
      ],
      jumps: [`-A PREROUTING ! -i lo -j ${chain}`],
    },
  };
}

/**
 * What `iptables-restore --noflush` must read to turn the listing into what is wanted, in one step for the table; empty when
 * all is as wanted. Naming the chain empties it, in the same step that fills it again. What an earlier version of ours left
 * goes in that step as well; the original's own rules, which an original that still runs would put back, are left to it.
 */
export function restoreLines(
  name: TableName,
  listing: TableListing,
  target: RedirectTarget,
): readonly string[] {
  const wanted = wantedTables(target)[name];
  const rules = listing.rules.filter((line) => line.startsWith(`-A ${chain} `));
  const isChainRight =
    rules.length === wanted.rules.length && wanted.rules.every((rule, at) => rules[at] === rule);
  const moves = wanted.jumps.flatMap((jump) => placed(jump, listing));
  const removals = isOfEarlierVersion(name, listing) ? removalOf(earlierChain, listing) : [];
  if (isChainRight && moves.length + removals.length === 0) return [];
  return [`*${name}`, `:${chain} - [0:0]`, ...wanted.rules, ...moves, ...removals, 'COMMIT'];
}

/** What takes everything of ours, and of the original, out of the table; empty when there is nothing. */
export function removalLines(name: TableName, listing: TableListing): readonly string[] {
  const lines = [chain, earlierChain].flatMap((each) => removalOf(each, listing));
  return lines.length === 0 ? [] : [`*${name}`, ...lines, 'COMMIT'];
}

/** The original has nothing in the other tables, and leaves OUTPUT alone. */
function isOfEarlierVersion(name: TableName, { chains, rules }: TableListing): boolean {
  const jumps = rules.filter((line) => leadsTo(earlierChain, line));
  if (name === 'nat') return jumps.some((line) => hookOf(line) === 'OUTPUT');
  return chains.includes(earlierChain) || jumps.length > 0;
}

function removalOf(name: string, { chains, rules }: TableListing): string[] {
  const jumps = rules.filter((line) => leadsTo(name, line));
  return [...jumps.map(deletion), ...(chains.includes(name) ? [`-F ${name}`, `-X ${name}`] : [])];
}

function placed(jump: string, listing: TableListing): string[] {
  const hook = hookOf(jump);
  const rules = listing.rules.filter((line) => line.startsWith(`-A ${hook} `));
  const ours = rules.filter((line) => leadsTo(chain, line));
  if (rules[0] === jump && ours.length === 1) return [];
  return [...ours.map(deletion), jump.replace(`-A ${hook}`, `-I ${hook} 1`)];
}

function hookOf(rule: string): string {
  return rule.split(' ')[1] ?? '';
}

function leadsTo(name: string, rule: string): boolean {
  return rule.endsWith(` -j ${name}`);
}

function deletion(rule: string): string {
  return rule.replace(/^-A/, '-D');
}
