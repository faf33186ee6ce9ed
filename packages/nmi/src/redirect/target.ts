import type { NmiConfig } from '../config/config.ts';

export interface RedirectTarget {
  readonly metadata: { readonly host: string; readonly port: number };
  /** Where their calls are redirected to. */
  readonly listen: { readonly host: string; readonly port: number };
}

/**
 * Calls of the node itself from this source port are redirected too, so that the agent can test the path of pods' calls. Other calls of
 * the node are not.
 */
export const selfTestPort = 2578;

/** A listener on all addresses is reached by the loopback one, as in the original. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Where from and where to; a text says why there can be no such rules. */
export function targetOf({
  metadata,
  listen,
}: Pick<NmiConfig, 'metadata' | 'listen'>): RedirectTarget | string {
  const host = wildcards.has(listen.host) ? '127.0.0.1' : listen.host;
  if (!isIPv4(metadata.host))
    return `--metadata-ip ${metadata.host} is not an IPv4 address: the redirect rules need one`;
  if (!isIPv4(host))
    return `--nmi-listen-address ${listen.host} is not an IPv4 address: redirect rules cannot lead there; use 127.0.0.1, or --interception bind-address`;
  if (listen.port === 0) return '--nmi-port 0 is chosen at start: redirect rules need a fixed port';
  if (host === metadata.host)
    return `--nmi-listen-address is ${host}, the metadata service itself: use --interception bind-address`;
  return { metadata, listen: { host, port: listen.port } };
}

function isIPv4(host: string): boolean {
  const parts = host.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** Packets of pods get to such an address only where the kernel is told to route them (route_localnet). */
export function leadsToLoopback({ listen }: RedirectTarget): boolean {
  return listen.host.startsWith('127.');
}

export const routeLocalnet = '/proc/sys/net/ipv4/conf/all/route_localnet';

/**
 * What is put back at the removal. It is noted in the kernel, since a restart of the node resets the note with the settings.
 * - route_localnet: every number but 0 is on. NMI writes 2, and only over 0. Others, such as kube-proxy, write 1, also over 2: then it is
 *   theirs and stays.
 * - tcp_migrate_req takes 0 and 1 only: the note says that NMI has set it.
 */
export const setByNmi = { routeLocalnet: '2', note: '2579' };
