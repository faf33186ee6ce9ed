import { checkRequest, identityOf, keyOf, parseRequest, type ParsedRequest } from './request.ts';
import type { Identity, TokenRequest } from './types.ts';

/** A checked request. Those with equal keys can share a response. */
export interface KeyedRequest extends ParsedRequest {
  readonly key: string;
}

interface Last {
  readonly ids: Identity | undefined;
  readonly keyed: KeyedRequest;
}

/**
 * Reads requests. Most programs repeat one: it is not read again, since a new key, which has to be hashed, takes longer than everything else
 * about a token from the cache.
 *
 * @throws TypeError - the request is invalid
 */
export function createRequestReader(): (request: TokenRequest) => KeyedRequest {
  let last: Last | undefined;
  return (request) => {
    if (last !== undefined && isLike(request, last)) return last.keyed;
    const parsed = parseRequest(request);
    const keyed = { ...parsed, key: keyOf(parsed) };
    last = { ids: identityOf(parsed.selector), keyed };
    return keyed;
  };
}

function isLike(request: TokenRequest, { ids, keyed }: Last): boolean {
  checkRequest(request);
  const { resource, identity } = request;
  if (resource !== keyed.resource) return false;
  if (typeof identity !== 'object' || ids === undefined) return identity === ids;
  // Callers in JavaScript can pass null.
  const given = identity as Identity | null;
  return (
    given?.clientId === ids.clientId &&
    given?.objectId === ids.objectId &&
    given?.resourceId === ids.resourceId
  );
}
