import type { Kind } from './group.ts';
import { isJsonObject, type JsonObject } from './section.ts';
import type { Problem } from './problem.ts';
import { spellings } from './spelling.ts';

/** Characters of JSON; names of objects have at most 253, values of labels 63. */
function most(key: string): number {
  const larger: Readonly<Record<string, number>> = {
    resourceID: 2048,
    adResourceID: 2048,
    adEndpoint: 2048,
    auxiliaryTenantIDs: 8192,
    podSelector: 16_384,
    podLabels: 16_384,
    clientIDs: 16_384,
    // The size that the schema allows.
    allowedNamespaces: 20_480,
    // Of a record: its pod is known even if these are of no use.
    azureIdentityRef: Infinity,
    azureBindingRef: Infinity,
  };
  return larger[key] ?? 1024;
}

/** The fields of the spec that are larger than any use needs: schemas limit neither those of 2018 nor the copies in records. */
export function sizeProblems(kind: Kind, object: JsonObject): readonly Problem[] {
  const { spec } = object;
  if (!isJsonObject(spec)) return [];
  const keys = [...(spellings[kind].inner.get('spec')?.keys ?? [])];
  return keys.flatMap((key) =>
    !Object.hasOwn(spec, key) || most(key) === Infinity || fits(spec[key], most(key))
      ? []
      : [{ path: `spec.${key}`, message: `has more than ${most(key)} characters: shorten it` }],
  );
}

function fits(value: unknown, length: number): boolean {
  // For a function there is no JSON.
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined || json.length <= length;
}
