import type { RedirectTarget } from './target.ts';

/**
 * Set on packets that the firewall rules refuse with a reset. No other program sets it on packets to the metadata service: kube-proxy uses
 * 0x4000 and 0x8000, Calico the upper half, hostPorts 0x2000, Cilium the upper half, 0x0f00 and the lowest byte (0xf000 for encrypted
 * packets to other nodes). Pods cannot set it: marks do not leave a network namespace.
 */
export const firewallMark = '0x1000';

/** After the local table (0), and before the rules of network plugins (99 and later). */
const preferences = { ofNode: 57, ofOthers: 58, end: 59 };

/** By number, since an image may lack /etc/protocols. */
const tcp = '6';
const namesOfTcp: ReadonlySet<string> = new Set(['tcp', '6', 'ipproto-6']);

/** Arguments of `ip rule`. */
export type RouteRule = readonly string[];

/**
 * The rules of the routing policy, in the order of adding:
 * - the target of the next rule's goto, which does nothing
 * - packets of the node itself to the metadata service skip the third rule (`not iif lo` would negate the whole rule)
 * - other packets to it are refused. Redirected packets have another address by now; marked ones are refused by the firewall, with a
 *   reset.
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

/** The rules of NMI in the output of `ip -j rule show`, for any metadata service, as arguments of `ip rule`. */
export function ownRouteRules(listing: string): readonly RouteRule[] {
  const rules: unknown = JSON.parse(listing.trim() === '' ? '[]' : listing);
  if (!Array.isArray(rules)) throw new Error('ip does not list its rules as an array');
  return rules.flatMap((rule: ListedRule) => (isOurs(rule) ? [argumentsOf(rule)] : []));
}

/** A rule as listed by `ip`. Some versions write numbers as texts of different bases. */
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
