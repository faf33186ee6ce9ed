import type { Json } from './object.ts';
import { documentPath, openApi } from './open-api.ts';
import { apiVersionOf, type ResourceType, type ResourceTypes } from './resources.ts';

/** The discovery documents: https://kubernetes.io/docs/concepts/overview/kubernetes-api/ */
export interface Discovery {
  /** The discovery document at a path, if there is one. */
  read(path: string): Json | undefined;
}

const version = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+sim',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

function resourcesOf(type: ResourceType): Json[] {
  const { plural, kind, singular, namespaced, shortNames, categories } = type;
  if (type.isReview) return [{ name: plural, singularName: singular, namespaced, kind, verbs: ['create'] }];
  const whole = { name: plural, singularName: singular, namespaced, kind, verbs, shortNames, categories };
  const status = {
    name: `${plural}/status`,
    singularName: '',
    namespaced,
    kind,
    verbs: ['get', 'patch', 'update'],
  };
  return type.hasStatus ? [whole, status] : [whole];
}

function groups(types: readonly ResourceType[]): Json[] {
  const names = [...new Set(types.map((type) => type.group))].filter((name) => name !== '');
  return names.map((name) => {
    const versions = [
      ...new Set(types.filter((type) => type.group === name).map((type) => type.version)),
    ].map((item) => ({
      groupVersion: `${name}/${item}`,
      version: item,
    }));
    return { name, versions, preferredVersion: versions[0] };
  });
}

const fixed: Readonly<Record<string, Json>> = {
  '/version': version,
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
};

export function createDiscovery(types: ResourceTypes): Discovery {
  const ofVersion = (apiVersion: string) => types.all().filter((type) => apiVersionOf(type) === apiVersion);
  const apiVersions = () => [...new Set(types.all().map(apiVersionOf))];

  const readGroupVersion = (apiVersion: string): Json | undefined => {
    const found = ofVersion(apiVersion);
    if (found.length === 0) return undefined;
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: found.flatMap(resourcesOf),
    };
  };
  const readGroups = (): Json => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups(types.all()) });
  const readOpenApi = (apiVersion: string | undefined): Json | undefined => {
    if (apiVersion !== undefined)
      return ofVersion(apiVersion).length > 0 ? openApi(ofVersion(apiVersion)) : undefined;
    const documents = apiVersions().map((item) => [
      documentPath(item),
      { serverRelativeURL: `/openapi/v3/${documentPath(item)}` },
    ]);
    return { paths: Object.fromEntries(documents) as Json };
  };

  return {
    read: (path) => {
      if (path === '/apis') return readGroups();
      if (path === '/openapi/v3') return readOpenApi(undefined);
      const [, document, resources, group] =
        /^\/openapi\/v3\/apis?\/(.+)$|^\/(?:api\/(?=v1$)|apis\/(?=[^/]+\/[^/]+$))(.+)$|^\/apis\/([^/]+)$/.exec(
          path,
        ) ?? [];
      if (document !== undefined) return readOpenApi(document);
      if (resources !== undefined) return readGroupVersion(resources);
      if (group === undefined) return fixed[path];
      const found = groups(types.all()).find((item) => item['name'] === group);
      return found && { kind: 'APIGroup', apiVersion: 'v1', ...found };
    },
  };
}
