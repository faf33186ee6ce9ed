/** The parsed path of a resource, which may not exist. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** '' without a name. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

const form = /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)\/(?<tail>.+)$/;

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const found = form.exec(path)?.groups;
  if (!found) return undefined;
  const { group = '', version = '', tail = '' } = found;
  const parts = tail.split('/').map(decodeURIComponent);
  const namespace = enclosingNamespace(parts);
  const place = placeOf(namespace === '' ? parts : parts.slice(2));
  return place && { group, version, namespace, ...place };
}

function placeOf(
  parts: readonly string[],
): Pick<ResourcePath, 'plural' | 'name' | 'subresource'> | undefined {
  const [plural = '', name = '', subresource = ''] = parts;
  return plural === '' || parts.length > 3 ? undefined : { plural, name, subresource };
}

/** `namespaces/x/status` is a subresource of the namespace x, not a resource in it. */
function enclosingNamespace([first, namespace, plural]: readonly string[]): string {
  const isInside = first === 'namespaces' && plural !== undefined && !['status', 'finalize'].includes(plural);
  return isInside ? (namespace ?? '') : '';
}
