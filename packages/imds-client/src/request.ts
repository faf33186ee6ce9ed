import { isObject, type JsonObject } from './text.ts';
import type { Identity, TokenRequest } from './types.ts';

export const tokenPath = '/metadata/identity/oauth2/token';

/** The three ways to name an identity, and what the endpoint calls them. */
const selectors = { clientId: 'client_id', objectId: 'object_id', resourceId: 'msi_res_id' } as const;
const selectorNames = Object.keys(selectors) as (keyof typeof selectors)[];

/** The field that names an identity, and its value. */
type Selector = readonly [name: keyof typeof selectors, value: string];

/** The parameter that names the identity; undefined for the default identity. Each id is read once: it may come from a getter. */
export function parseIdentity(identity: Identity | undefined): Selector | undefined {
  if (identity === undefined) return undefined;
  const given: JsonObject = isObject(identity) ? identity : {};
  const ids = selectorNames.map((name) => [name, given[name]] as const).filter(([, id]) => id !== undefined);
  const [own, other] = ids;
  if (own === undefined) throw new TypeError(withoutId(given));
  if (other) throw new TypeError(`identity must be named once, not by ${own[0]} and ${other[0]}`);
  const [name, id] = own;
  return [name, oneWord(`identity.${name}`, id)];
}

/** Mostly an id is undefined since it comes from a variable of the environment that is not set. */
function withoutId(identity: object): string {
  const unset = selectorNames.find((name) => name in identity);
  const problem =
    unset === undefined ? ' must have clientId, objectId or resourceId' : `.${unset} is undefined`;
  return `identity${problem}: leave it out for the default`;
}

/** The identity of a selector: a copy that its caller cannot change. */
export function identityOf(selector: Selector | undefined): Identity | undefined {
  return selector && (Object.fromEntries([selector]) as unknown as Identity);
}

/** A request that was checked. */
export interface ParsedRequest {
  readonly resource: string;
  readonly selector: Selector | undefined;
}

/** @throws TypeError - the request is invalid */
export function parseRequest(request: TokenRequest): ParsedRequest {
  checkOptions(request, requestFields);
  const resource = oneWord('resource', request.resource);
  if (!/\/\.default\/*$/.test(resource)) return { resource, selector: parseIdentity(request.identity) };
  const remedy = `leave out ${defaultScope}, or use createImdsCredential`;
  throw new TypeError(`resource must be an audience, not a scope: ${remedy}`);
}

function oneWord(name: string, value: unknown): string {
  if (typeof value === 'string' && /^\S+$/.test(value)) return value;
  throw new TypeError(`${name} must be a string of one word`);
}

const defaultScope = '/.default';

/** The resource of an OAuth scope. Managed identities get tokens for one resource at a time. */
export function resourceOfScopes(scopes: string | readonly string[]): string {
  const list: readonly unknown[] = Array.isArray(scopes) ? scopes : [scopes];
  const [scope, ...others] = list;
  if (typeof scope !== 'string' || scope === '' || others.length > 0)
    throw new TypeError('scopes must be one text');
  return scope.endsWith(defaultScope) ? scope.slice(0, -defaultScope.length) : scope;
}

/** Names of fields, with blanks between them. */
export const known = (names: string): ReadonlySet<string> => new Set(names.split(' '));

const requestFields = known('resource identity bypassCache abortSignal');

/**
 * Callers in JavaScript pass null or text, or a name that is not read: by an id in another place they would get a token of another identity.
 *
 * @throws TypeError - it is no object, or has another name, also an inherited one
 */
export function checkOptions(value: unknown, names: ReadonlySet<string>): void {
  for (const name in objectOf(value)) if (!names.has(name)) throw new TypeError(whyUnknown(name, names));
}

export function objectOf(value: unknown): JsonObject {
  if (isObject(value)) return value;
  throw new TypeError('the request or the options must be an object');
}

/** Of ids, also as the endpoint and @azure/identity name them, such as `client_id` and `managedIdentityClientId`. */
const idName = /(client|object|res(ource)?)[_-]?id$/i;

function whyUnknown(name: string, names: ReadonlySet<string>): string {
  if (idName.test(name)) return `${name} must be in identity: clientId, objectId or resourceId`;
  if (name === 'identity') return 'identity must be in createImdsCredential or getToken';
  return `${name} is not known here: write ${[...names].join(', ')}`;
}

/** The address of a token; its query is in the order in which the endpoint's documentation shows it. */
export function tokenUrl(base: { endpoint: string; apiVersion: string }, request: ParsedRequest): string {
  const { resource, selector } = request;
  const query = new URLSearchParams({ 'api-version': base.apiVersion, resource });
  if (selector !== undefined) query.set(selectors[selector[0]], selector[1]);
  return `${base.endpoint}${tokenPath}?${query.toString()}`;
}

/** Requests with equal keys can share a response. Ids of identities compare without case. */
export function keyOf({ resource, selector }: ParsedRequest): string {
  if (selector === undefined) return `|${resource}`;
  const id = selector[1].replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  // With its length, so that no id can continue as a resource.
  return `${selector[0]}:${id.length}:${id}|${resource}`;
}
