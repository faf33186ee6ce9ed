import {
  problemTexts,
  tooLargeProblems,
  type ObjectMeta,
  type Parsed,
  type Problem,
} from '@pod-identity/crd-types';
import { tooLargeIn } from '@pod-identity/kit/kube';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What decisions need of the object, if it is valid and was read completely, or what is wrong with it. Undefined for an object without a
 * namespace or a name.
 */
export function readWhole<T extends { readonly metadata: ObjectMeta }>(
  object: unknown,
  parse: (object: unknown) => Parsed<T>,
): (Named & ({ readonly value: T } | { readonly problems: readonly Problem[] })) | undefined {
  const { metadata } = (object ?? {}) as { metadata?: { namespace?: string; name?: string } };
  if (!metadata?.namespace || !metadata.name) return undefined;
  const named = { namespace: metadata.namespace, name: metadata.name };
  const tooLarge = tooLargeProblems(tooLargeIn(object));
  const parsed = parse(object);
  if (parsed.ok && tooLarge.length === 0) return { ...named, value: lean(parsed.value) };
  return { ...named, problems: [...tooLarge, ...(parsed.ok ? [] : parsed.problems)] };
}

export function faultIn(problems: readonly Problem[]): string {
  return problemTexts(problems).join('; ');
}

/** Conditions, versions and times would take as much memory as the rest. */
function lean<T extends { readonly metadata: ObjectMeta }>(object: T): T {
  const { name, namespace, annotations } = object.metadata;
  const metadata = { name, ...(namespace && { namespace }), ...(annotations && { annotations }) };
  return { ...object, metadata, status: undefined };
}
