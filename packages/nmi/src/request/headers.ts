import type { InboundRequest, RequestHeaders } from './wire.ts';
import type { BadRequest } from './token-request.ts';

export interface HeaderRules {
  readonly metadataHeaderRequired: boolean;
  /** Names that are accepted in a Host header: in lower case, without port. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** What is wrong with the headers; undefined: nothing. */
export type HeaderJudge = (request: Pick<InboundRequest, 'headers' | 'authority'>) => BadRequest | undefined;

/**
 * Checks that the request comes from a program on this machine that means the metadata service. A proxy that is tricked into calling
 * NMI (SSRF) cannot add `Metadata: true`, and would add X-Forwarded-For. A web page whose name resolves to NMI's address (DNS
 * rebinding) can add any header, but its name is in Host, or in the absolute form of the request line, which are both checked.
 */
export function createHeaderJudge({ metadataHeaderRequired, allowedHosts }: HeaderRules): HeaderJudge {
  // Nearly all requests have the same Host header: it is checked once.
  let lastWelcome: string | undefined;

  return ({ headers, authority: named }) => {
    if (metadataHeaderRequired && !isMarked(headers.metadata))
      return { why: 'no-metadata-header', name: 'Metadata' };
    if (headers['x-forwarded-for'] !== undefined) return { why: 'forwarded', name: 'X-Forwarded-For' };
    if (named !== undefined && !isWelcome(named, allowedHosts)) return foreignHost;
    const { host } = headers;
    if (host === undefined || host === lastWelcome) return undefined;
    if (typeof host !== 'string' || !isWelcome(host, allowedHosts)) return foreignHost;
    lastWelcome = host;
    return undefined;
  };
}

const foreignHost: BadRequest = { why: 'foreign-host', name: 'Host' };

function isMarked(metadata: RequestHeaders['metadata']): boolean {
  return typeof metadata === 'string' && metadata.trim().toLowerCase() === 'true';
}

/** Host and port; a host in brackets is an IPv6 address, since no name has brackets. */
const authority = /^(\[[0-9a-f:.]+(?:%[\w.%-]+)?\]|[^:[\]]*)(?::\d{0,5})?$/i;
const address = /^\[|^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Only names can be rebound by DNS: addresses are accepted, and an empty Host. */
function isWelcome(header: string, allowedHosts: ReadonlySet<string>): boolean {
  const host = authority.exec(header)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  return host === '' || host === 'localhost' || address.test(host) || allowedHosts.has(host);
}
