/** What stands in a request line between the method and the version. */
export interface RequestTarget {
  /** Path and query, neither decoded nor cleaned. */
  readonly target: string;
  /** The host of the absolute form: a caller's word, to be judged like the Host header. */
  readonly authority?: string;
}

const scheme = 'http://';
/** A host is needed; none of ours is found at an address of another scheme. */
const absoluteForm = /^http:\/\/([^/?#:][^/?#]*)/i;

/** Servers have to take both forms of a target, the path alone and the whole address (RFC 9112, 3.2.2). */
export function readTarget(target: string): RequestTarget {
  if (target.startsWith('/')) return { target };
  const authority = absoluteForm.exec(target)?.[1];
  if (authority === undefined) return { target };
  const rest = target.slice(scheme.length + authority.length);
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}
