import {
  behaviorAnnotation,
  defaultIdentityAnnotation,
  problemTexts,
  type ObjectMeta,
  type Parsed,
  type Problem,
} from '@pod-identity/crd-types';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What decisions need of the object, if it is valid, or what is wrong with it. Undefined for an object without a
 * namespace or a name.
 */
export function readWhole<T extends { readonly metadata: ObjectMeta }>(
  object: unknown,
  parse: (object: unknown) => Parsed<T>,
): (Named & ({ readonly value: T } | { readonly problems: readonly Problem[] })) | undefined {
  const { metadata } = (object ?? {}) as { metadata?: { namespace?: string; name?: string } };
  if (!metadata?.namespace || !metadata.name) return undefined;
  const named = { namespace: metadata.namespace, name: metadata.name };
  const parsed = parse(object);
  return parsed.ok ? { ...named, value: lean(parsed.value) } : { ...named, problems: parsed.problems };
}

export function faultIn(problems: readonly Problem[]): string {
  return problemTexts(problems).join('; ');
}

/** The annotations that decisions read, and their longest value that means anything. */
const readAnnotations: readonly string[] = [behaviorAnnotation, defaultIdentityAnnotation];
const longestValue = 'namespaced'.length;

/** Conditions, versions, times and other annotations would take as much memory as the rest. */
function lean<T extends { readonly metadata: ObjectMeta }>(object: T): T {
  const { name, namespace, annotations } = object.metadata;
  const read = Object.entries(annotations ?? {}).filter(
    ([key, value]) => readAnnotations.includes(key) && value.length <= longestValue,
  );
  const metadata = {
    name,
    ...(namespace && { namespace }),
    ...(read.length > 0 && { annotations: Object.fromEntries(read) }),
  };
  return { ...object, metadata, status: undefined };
}
