import type { InboundRequest } from './wire.ts';
import type { BadRequest } from './token-request.ts';

export interface HeaderRules {
  readonly metadataHeaderRequired: boolean;
  /** Names that a Host header may say: in lower case, without port. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** What is wrong with the headers; undefined: nothing. */
export type HeaderJudge = (request: Pick<InboundRequest, 'headers' | 'authority'>) => BadRequest | undefined;

/**
 * Tells whether the headers are those of a program on this machine that means the metadata service. A browser or a careless
 * proxy that was talked into calling us (SSRF) cannot add `Metadata: true`, and would add X-Forwarded-For. A web page whose
 * own name was made to resolve to our address (DNS rebinding) may add what it likes, but its name stands in Host, or in the
 * absolute form of the request line: where there is one, both are judged.
 */
export function createHeaderJudge({ metadataHeaderRequired, allowedHosts }: HeaderRules): HeaderJudge {
  // Nearly all callers ask by the same address: that one is judged once.
  let lastWelcome: string | undefined;

  return ({ headers, authority: named }) => {
    if (metadataHeaderRequired && !isMarked(headers['metadata']))
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

function isMarked(metadata: InboundRequest['headers'][string]): boolean {
  return typeof metadata === 'string' && metadata.trim().toLowerCase() === 'true';
}

/** Host and port; a host in brackets is an IPv6 address, since no name has brackets. */
const authority = /^(\[[0-9a-f:.]+(?:%[\w.%-]+)?\]|[^:[\]]*)(?::\d{0,5})?$/i;
const address = /^\[|^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** An address is no name that somebody could have made to lead here; an empty Host names nobody. */
function isWelcome(header: string, allowedHosts: ReadonlySet<string>): boolean {
  const host = authority.exec(header)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  return host === '' || host === 'localhost' || address.test(host) || allowedHosts.has(host);
}
