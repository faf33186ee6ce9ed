import type { TokenRequest } from './types.ts';

const tokenPath = '/metadata/identity/oauth2/token';

/** The three ways to name an identity, and what the endpoint calls them. */
const selectors = { clientId: 'client_id', objectId: 'object_id', resourceId: 'msi_res_id' } as const;

/** The field of a request that names the identity. */
export type IdentitySelector = Pick<TokenRequest, keyof typeof selectors>;

// The endpoint refuses a query in which a name is repeated.
const ownParameters: ReadonlySet<string> = new Set(['api-version', 'resource', ...Object.values(selectors)]);

/** The base address without a trailing slash. */
export function parseEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new TypeError(
      `endpoint must be an http or https address such as http://169.254.169.254, not ${JSON.stringify(endpoint)}`,
    );
  }
  return endpoint.replace(/\/$/, '');
}

/** The parameter that names the identity; undefined for the default identity. */
export function parseSelector(request: IdentitySelector): readonly [name: string, value: string] | undefined {
  const named = (['clientId', 'objectId', 'resourceId'] as const).filter((key) => request[key] !== undefined);
  const [key, ...others] = named;
  if (key === undefined) return undefined;
  if (others.length > 0) throw new TypeError(`name the identity once, not by ${named.join(' and ')}`);
  return [selectors[key], nonEmpty(key, request[key])];
}

/** The query of a request, in the order in which the endpoint's documentation shows it. */
export function parseQuery(request: TokenRequest, apiVersion: string): URLSearchParams {
  const query = new URLSearchParams([
    ['api-version', apiVersion],
    ['resource', nonEmpty('resource', request.resource)],
  ]);
  const selector = parseSelector(request);
  if (selector !== undefined) query.set(...selector);
  for (const [name, value] of Object.entries(request.passThrough ?? {})) {
    if (ownParameters.has(name))
      throw new TypeError(`passThrough must not hold ${name}: the request has a field for it`);
    query.set(name, value);
  }
  return query;
}

export function tokenUrl(endpoint: string, query: URLSearchParams): string {
  return `${endpoint}${tokenPath}?${query.toString()}`;
}

/** Requests with equal keys can share a response. Ids of identities compare without case. */
export function keyOf(query: URLSearchParams): string {
  const entries = [...query].map(([name, value]) =>
    ownParameters.has(name) && name !== 'resource' ? [name, value.toLowerCase()] : [name, value],
  );
  return JSON.stringify(entries.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));
}

function nonEmpty(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name} must be a non-empty string`);
}
