// Room: the CustomResourceDefinitions.
// It must not do I/O, read a clock or the environment, or have a dependency.
import { definitionOf, type Definition } from './definitions.ts';
import { group, resources, version, type Kind, type Resource } from '../parsing/group.ts';
import type { Column, Schema } from './schema-parts.ts';

/** A CustomResourceDefinition, as JSON. */
export interface CustomResourceDefinition {
  /** Served by Kubernetes 1.16 and later. */
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  /** Of the definition, not of the objects that it defines. */
  readonly kind: 'CustomResourceDefinition';
  /** `name`: the plural, a dot and the group. `annotations`: the one that API servers require for a group under `k8s.io`. */
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  /** The names in objects, lists, paths and commands, and what the API server serves: one version. */
  readonly spec: {
    readonly group: typeof group;
    readonly names: Readonly<Record<'listKind' | 'plural' | 'singular', string>> & { readonly kind: Kind };
    readonly scope: 'Namespaced';
    readonly versions: CustomResourceVersion[];
  };
}

/** An entry of `spec.versions`: each definition has one. */
export interface CustomResourceVersion {
  /** As in paths, and after the slash of `apiVersion`. */
  readonly name: typeof version;
  /** The API server has paths for this version. */
  readonly served: true;
  /** Objects are stored in this version. */
  readonly storage: true;
  /** Where status is written apart from the rest; absent for AzureAssignedIdentity and AzurePodIdentityException. */
  readonly subresources?: { readonly status: object };
  /** The columns of `kubectl get`. */
  readonly additionalPrinterColumns: Column[];
  /** Of the whole object. Structural, as `apiextensions.k8s.io/v1` requires. */
  readonly schema: { readonly openAPIV3Schema: Schema };
}

/**
 * The CustomResourceDefinitions (apiextensions.k8s.io/v1) of the four kinds, as `deploy/crds` has them in YAML. Fresh objects for each
 * call, which the caller may change.
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
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          ...(definition.statusSubresource && { subresources: { status: {} } }),
          additionalPrinterColumns: definition.columns,
          schema: { openAPIV3Schema: rootSchema(definition) },
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
