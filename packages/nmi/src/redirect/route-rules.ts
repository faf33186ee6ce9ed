import type { RedirectTarget } from './target.ts';

/**
 * Set on packets that our rules of the firewall still want to refuse with a reset. Chosen so that nobody sets it on what
 * pods send to the metadata service: kube-proxy has 0x4000 and 0x8000, Calico the upper half, hostPorts 0x2000, Cilium the
 * upper half, 0x0f00 and the lowest byte (and 0xf000 for what it encrypts to other nodes). A pod cannot set it, for marks
 * do not leave a network namespace.
 */
export const firewallMark = '0x1000';

/** After the local table (0), and before those by which network plugins lead pods to routing tables of their own (99 and later). */
const preferences = { ofNode: 57, ofOthers: 58, end: 59 };

/** By number: an image need not have /etc/protocols. */
const tcp = '6';
const namesOfTcp: ReadonlySet<string> = new Set(['tcp', '6', 'ipproto-6']);

/** What makes a routing rule ours: the arguments of `ip rule`. */
export type RouteRule = readonly string[];

/**
 * The rules of the routing policy, in the order in which they are to be added:
 * - where the first one leads to, which does nothing itself
 * - what the node itself sends to the metadata service skips the next rule. (`not iif lo` would turn the whole rule around.)
 * - what comes from elsewhere is refused. What was led to the agent bears another address by now; what bears our mark is
 *   refused by the firewall, which can do so with a reset.
 */
export function wantedRouteRules({ metadata }: Pick<RedirectTarget, 'metadata'>): readonly RouteRule[] {
  const { ofNode, ofOthers, end } = preferences;
  const to = ['to', `${metadata.host}/32`, 'ipproto', tcp, 'dport', String(metadata.port)];
  return [
    ['pref', String(end), 'nop'],
    ['pref', String(ofNode), 'iif', 'lo', ...to, 'goto', String(end)],
    ['pref', String(ofOthers), 'fwmark', `0/${firewallMark}`, ...to, 'prohibit'],
  ];
}

/** Those of `ip -j rule show` that are ours, whatever metadata service they are about, as `ip rule` takes them. */
export function ownRouteRules(listing: string): readonly RouteRule[] {
  const rules: unknown = JSON.parse(listing.trim() === '' ? '[]' : listing);
  if (!Array.isArray(rules)) throw new Error('ip does not list its rules as an array');
  return rules.flatMap((rule: ListedRule) => (isOurs(rule) ? [argumentsOf(rule)] : []));
}

/** A rule as `ip` lists it. Versions differ in whether a number is a number or a text of some base. */
interface ListedRule {
  readonly priority?: number;
  readonly iif?: string;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly fwmark?: string | number;
  readonly fwmask?: string | number;
  readonly ipproto?: string | number;
  readonly dport?: number;
  readonly goto?: number;
  readonly action?: string;
  readonly nop?: null;
}

function isOurs({ priority, ...rule }: ListedRule): boolean {
  if (priority === preferences.end) return 'nop' in rule;
  if (priority === preferences.ofNode) return Number(rule.goto) === preferences.end;
  return priority === preferences.ofOthers && rule.action === 'prohibit' && isMarked(rule);
}

function isMarked({ fwmark, fwmask }: ListedRule): boolean {
  return Number(fwmark) === 0 && Number(fwmask) === Number(firewallMark);
}

function argumentsOf(rule: ListedRule): RouteRule {
  const { priority, iif, dst, dstlen = 32, ipproto, dport } = rule;
  return [
    ...['pref', String(priority)],
    ...(isMarked(rule) ? ['fwmark', `0/${firewallMark}`] : []),
    ...(iif === undefined ? [] : ['iif', iif]),
    ...(dst === undefined ? [] : ['to', `${dst}/${dstlen}`]),
    ...(ipproto === undefined ? [] : ['ipproto', namesOfTcp.has(String(ipproto)) ? tcp : String(ipproto)]),
    ...(dport === undefined ? [] : ['dport', String(dport)]),
    ...actionOf(rule),
  ];
}

function actionOf(rule: ListedRule): readonly string[] {
  if (rule.goto !== undefined) return ['goto', String(rule.goto)];
  return [rule.action ?? 'nop'];
}
