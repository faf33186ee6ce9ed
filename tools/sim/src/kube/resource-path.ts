/** What the path of a resource says, before anybody looks whether there is such a resource. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** '' when the path names none. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const [, legacy, group = '', groupVersion, tail = ''] =
    /^\/(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(path) ?? [];
  const version = legacy ?? groupVersion;
  if (version === undefined) return undefined;
  const parts = tail.split('/').map(decodeURIComponent);
  const [first, namespace = '', plural = ''] = parts;
  // `namespaces/x/status` is a part of the namespace x, not a resource in it.
  const isInside = first === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(plural);
  const [resource = '', name = '', subresource = '', ...surplus] = isInside ? parts.slice(2) : parts;
  if (resource === '' || surplus.length > 0) return undefined;
  return { group, version, plural: resource, namespace: isInside ? namespace : '', name, subresource };
}
