/** Parts of the metadata service about the machine, not its identities. */
export const metadataFamilies = [
  'instance',
  'versions',
  'scheduledevents',
  'attested',
  'loadbalancer',
] as const;
export type MetadataFamily = (typeof metadataFamilies)[number];

export type Route =
  | { readonly kind: 'token'; readonly query: string }
  | { readonly kind: 'host-token'; readonly query: string }
  /** `path` is normalised and `query` checked: both are safe to forward. */
  | {
      readonly kind: 'metadata';
      readonly family: MetadataFamily;
      readonly path: string;
      readonly query: string;
    }
  | { readonly kind: 'nowhere'; readonly why: NowhereReason };

/** `identity`: below /metadata/identity but not the token path. `foreign`: a probe for another cloud's metadata service. */
export type NowhereReason = 'malformed' | 'identity' | 'foreign' | 'unknown';

/** In characters: several times what a request for a token has. Each is matched with patterns. */
const longestTarget = 8 * 1024;
/** No `%`, `\`, `;` or NUL: nothing that the real service could interpret in another way. */
const plainPath = /^\/[A-Za-z0-9/._-]*$/;
const printable = /^[\x21-\x7e]*$/;
/** Characters of a query (RFC 3986, 3.4), without encoded control characters, since it is forwarded. */
const plainQuery = /^(?:[A-Za-z0-9._~!$'()*+,;=:@/?&-]|%(?!7f)[2-9a-f][0-9a-f])*$/i;
const foreignRoots: ReadonlySet<string> = new Set(['latest', 'computemetadata', 'openstack', 'opc']);
const families: ReadonlySet<string> = new Set(metadataFamilies);

/**
 * The route of a request, by an allow-list of paths. Duplicate and trailing slashes and case are ignored. The real service normalises more than
 * a filter can know, so other paths are refused, not normalised, and nothing below /metadata/identity is forwarded.
 */
export function routeOf(target: string): Route {
  const mark = target.indexOf('?');
  const raw = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  const isPlain = target.length <= longestTarget && plainPath.test(raw) && printable.test(query);
  if (!isPlain || query.includes('#')) return malformed;
  const segments = raw.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..')) return malformed;
  return routeOfSegments(segments, query);
}

const malformed: Route = { kind: 'nowhere', why: 'malformed' };

function routeOfSegments(spelled: readonly string[], query: string): Route {
  const segments = spelled.map((segment) => segment.toLowerCase());
  const [root = '', family = ''] = segments;
  if (root === 'host' && segments.join('/') === 'host/token') return { kind: 'host-token', query };
  if (root !== 'metadata') return { kind: 'nowhere', why: foreignRoots.has(root) ? 'foreign' : 'unknown' };
  if (family === 'identity') {
    const isToken = segments.join('/') === 'metadata/identity/oauth2/token';
    return isToken ? { kind: 'token', query } : { kind: 'nowhere', why: 'identity' };
  }
  return isFamily(family)
    ? routeToFamily(family, spelled.slice(2), query)
    : { kind: 'nowhere', why: 'unknown' };
}

/** No path of the service has a dot, and Windows drops dots at the end of a name. */
function routeToFamily(family: MetadataFamily, parts: readonly string[], query: string): Route {
  if (!plainQuery.test(query) || parts.some((part) => part.includes('.'))) return malformed;
  return { kind: 'metadata', family, path: ['/metadata', family, ...parts].join('/'), query };
}

const isFamily = (segment: string): segment is MetadataFamily => families.has(segment);
