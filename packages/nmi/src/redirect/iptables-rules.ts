import { firewallMark } from './route-rules.ts';
import { leadsToLoopback, selfTestPort, type RedirectTarget } from './target.ts';

/** Not the original's name, since the original deletes its chain when it ends. */
export const chain = 'aad-pod-identity';
/** The original's chain, in nat; earlier versions of NMI used the name in all three tables. */
export const earlierChain = 'aad-metadata';

export type TableName = 'nat' | 'filter' | 'mangle';
export const tableNames: readonly TableName[] = ['nat', 'filter', 'mangle'];

export const hooks: Readonly<Record<TableName, readonly string[]>> = {
  nat: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING'],
};

/** Rules of one table as listed by `iptables -S`: of both chains above and of the built-in ones. */
export interface TableListing {
  /** Which of the two chains exist. */
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
 * The rules of each table.
 * - nat: redirects packets to the metadata service, except those of the node's own processes, with the original's two rules. The
 *   self-test of the node, from its own source port, is redirected as well.
 * - filter: a packet that still has the metadata service's address was not redirected: its connection is older than the rules, the nat rules
 *   are missing, or a Service leads there. It is refused, so that the caller fails at once.
 * - filter, for the self-test: it must not reach the metadata service, and a late response of that service must not create a conntrack
 *   entry by which the next tests would not be redirected.
 * - filter, if the agent listens on a loopback address: this needs route_localnet, which lets packets from outside reach 127.0.0.0/8. Only
 *   redirected packets and replies are allowed; other listeners on 127.0.0.1 stay protected (CVE-2020-8558).
 * - mangle: marks packets of existing connections that were not redirected (route-rules.ts), so that routing leaves them to filter. New
 *   connections are not known here, before nat; those that nat does not redirect are refused by routing.
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
 * Input of `iptables-restore --noflush` that turns the listing into the wanted rules in one step; empty if nothing has to change. Naming the
 * chain flushes it. Rules of earlier versions of NMI are removed in the same step; those of the original, which it would restore, stay.
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

/** Input that removes all rules of NMI and of the original from the table; empty if there are none. */
export function removalLines(name: TableName, listing: TableListing): readonly string[] {
  const lines = [chain, earlierChain].flatMap((each) => removalOf(each, listing));
  return lines.length === 0 ? [] : [`*${name}`, ...lines, 'COMMIT'];
}

/** The original has rules only in nat, and not in OUTPUT. */
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
