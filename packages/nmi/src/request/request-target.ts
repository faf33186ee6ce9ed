export interface RequestTarget {
  /** Path and query, neither decoded nor cleaned. */
  readonly target: string;
  /** The host of the absolute form; chosen by the caller, to be checked like the Host header. */
  readonly authority?: string;
}

const scheme = 'http://';
const absoluteForm = /^http:\/\/([^/?#:][^/?#]*)/i;

/** Servers must accept both forms of a target, path and absolute URL (RFC 9112, 3.2.2). */
export function readTarget(target: string): RequestTarget {
  if (target.startsWith('/')) return { target };
  const authority = absoluteForm.exec(target)?.[1];
  if (authority === undefined) return { target };
  const rest = target.slice(scheme.length + authority.length);
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}
