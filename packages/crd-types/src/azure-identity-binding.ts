import { parseObject } from './custom-object.ts';
import { apiVersion } from './group.ts';
import type { Condition, ObjectMeta } from './meta.ts';
import { readConditions, readMetadata } from './object-meta.ts';
import type { Parsed } from './problem.ts';
import { defined, type Section } from './section.ts';

/** Gives the pods with a certain label an AzureIdentity of the binding's own namespace. */
export interface AzureIdentityBinding {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'AzureIdentityBinding';
  readonly metadata: ObjectMeta;
  readonly spec: {
    /** The name of the AzureIdentity. */
    readonly azureIdentity: string;
    /** Compared for equality with the pod's `aadpodidbinding` label; not a label-selector expression. */
    readonly selector: string;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/**
 * Reads an AzureIdentityBinding from untrusted JSON, whatever the capitalisation of its keys.
 *
 * @example
 * ```ts
 * const parsed = parseAzureIdentityBinding(object);
 * if (parsed.ok) console.log(`${parsed.value.spec.selector} → ${parsed.value.spec.azureIdentity}`);
 * ```
 */
export function parseAzureIdentityBinding(object: unknown): Parsed<AzureIdentityBinding> {
  return parseObject('AzureIdentityBinding', object, (section) => {
    const binding = readAzureIdentityBinding(section);
    const spec = section.section('spec');
    if (binding.spec.azureIdentity === '')
      spec.problem('azureIdentity', 'is missing: name an AzureIdentity of this namespace');
    if (binding.spec.selector === '')
      spec.problem('selector', 'is missing: give the value of the pods’ aadpodidbinding label');
    return binding;
  });
}

/** Reads the fields without validating their meaning: also for the copy inside an AzureAssignedIdentity. */
export function readAzureIdentityBinding(section: Section): AzureIdentityBinding {
  const spec = section.section('spec');
  return defined({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: readMetadata(section),
    spec: { azureIdentity: spec.string('azureIdentity') ?? '', selector: spec.string('selector') ?? '' },
    status: readConditions(section),
  });
}
