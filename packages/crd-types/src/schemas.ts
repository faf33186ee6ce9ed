import { definitionOf, type Definition } from './definitions.ts';
import { withClientNames } from './client-names.ts';
import { group, resources, version, type Kind, type Resource } from './group.ts';
import type { Column, Schema } from './schema-parts.ts';

/** A CustomResourceDefinition, as JSON. Assignable to V1CustomResourceDefinition of @kubernetes/client-node, which sends it whole. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: typeof group;
    readonly names: {
      readonly kind: Kind;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
    };
    readonly scope: 'Namespaced';
    readonly preserveUnknownFields: false;
    /** One version: `v1`. */
    readonly versions: CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  readonly name: typeof version;
  readonly served: true;
  readonly storage: true;
  /** Where status is written apart from the rest. */
  readonly subresources?: { readonly status: object };
  /** The columns of `kubectl get`. */
  readonly additionalPrinterColumns: Column[];
  readonly schema: { readonly openAPIV3Schema: Schema };
}

/**
 * The CustomResourceDefinitions (apiextensions.k8s.io/v1) of the four kinds, as `deploy/crds` has them in YAML.
 *
 * @example
 * ```ts
 * for (const definition of customResourceDefinitions()) console.log(JSON.stringify(definition));
 * ```
 */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return Object.values(resources).map((resource) =>
    customResourceDefinition(resource, definitionOf(resource.kind)),
  );
}

function customResourceDefinition(resource: Resource, definition: Definition): CustomResourceDefinition {
  const { kind, plural } = resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Groups under k8s.io belong to Kubernetes: the API server requires this annotation on groups that were not approved.
      annotations: { 'api-approved.kubernetes.io': 'unapproved' },
    },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      // Written out: the original's definitions of v1beta1 have true, which a merge would keep and a schema with defaults forbids.
      preserveUnknownFields: false,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(definition.statusSubresource && { subresources: { status: {} } }),
          additionalPrinterColumns: [...definition.columns],
          schema: { openAPIV3Schema: withClientNames(rootSchema(definition)) },
        },
      ],
    },
  };
}

function rootSchema({ description, properties }: Definition): Schema {
  return {
    type: 'object',
    description,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...properties,
    },
  };
}
