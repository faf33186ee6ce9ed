import type { Json } from './object.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';

export const documentPath = (apiVersion: string): string =>
  apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;

/** The parts of an OpenAPI document that kubectl reads: that the server itself refuses unknown fields, and what `kubectl explain` prints. */
export function openApi(types: readonly ResourceType[]): Json {
  return {
    openapi: '3.0.0',
    info: { title: 'simulator', version: 'v1' },
    paths: Object.fromEntries(types.map((type) => [pathOf(type), { patch: patchOf(type) }])),
    components: { schemas: Object.fromEntries(types.map((type) => [type.kind, schemaOf(type)])) },
  };
}

const pathOf = (type: ResourceType): string =>
  `/${documentPath(apiVersionOf(type))}/${type.namespaced ? 'namespaces/{namespace}/' : ''}${type.plural}/{name}`;

const named = ({ group, version, kind }: ResourceType): Json => ({ group, version, kind });

const patchOf = (type: ResourceType): Json => ({
  parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string', uniqueItems: true } }],
  responses: {},
  'x-kubernetes-group-version-kind': named(type),
});

const ofEveryObject: Json = {
  apiVersion: { type: 'string', description: 'Group and version of the kind.' },
  kind: { type: 'string', description: 'The kind of the object.' },
  metadata: { type: 'object', description: 'Name, namespace, labels and more of the object.' },
};

const undescribed =
  'The simulated API server describes custom kinds only. Fields of built-in kinds: https://kubernetes.io/docs/reference/kubernetes-api/';

function schemaOf(type: ResourceType): Json {
  const schema: Json = type.builtIn
    ? {
        type: 'object',
        description: undescribed,
        properties: {
          spec: { type: 'object', description: undescribed },
          status: { type: 'object', description: undescribed },
        },
      }
    : ((type.schema ?? {}) as Json);
  return {
    ...schema,
    properties: { ...ofEveryObject, ...(schema['properties'] as Json | undefined) },
    'x-kubernetes-group-version-kind': [named(type)],
  };
}
