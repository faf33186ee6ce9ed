import { tooLargeProblems, type ObjectMeta, type Parsed, type Problem } from '@pod-identity/crd-types';
import { tooLargeIn } from '@pod-identity/kit/kube';

/** Undefined for an object without a namespace or a name. */
export function nameOf(object: unknown): { readonly namespace: string; readonly name: string } | undefined {
  const { metadata } = (object ?? {}) as { metadata?: { namespace?: string; name?: string } };
  if (!metadata?.namespace || !metadata.name) return undefined;
  return { namespace: metadata.namespace, name: metadata.name };
}

/** What decisions need of the object, if it is valid and was read completely, or what is wrong with it. */
export function readWhole<T extends { readonly metadata: ObjectMeta }>(
  object: unknown,
  parse: (object: unknown) => Parsed<T>,
): { readonly value: T } | { readonly problems: readonly Problem[] } {
  const tooLarge = tooLargeProblems(tooLargeIn(object));
  const parsed = parse(object);
  if (parsed.ok && tooLarge.length === 0) return { value: lean(parsed.value) };
  return { problems: [...tooLarge, ...(parsed.ok ? [] : parsed.problems)] };
}

/** Conditions, versions and times would take as much memory as the rest. */
function lean<T extends { readonly metadata: ObjectMeta }>(object: T): T {
  const { name, namespace, annotations } = object.metadata;
  const metadata = { name, ...(namespace && { namespace }), ...(annotations && { annotations }) };
  return { ...object, metadata, status: undefined };
}
