import { isJsonObject } from './section.ts';
import type { Problem } from './problem.ts';

/** Characters of JSON of the fields of specs; names of objects have at most 253, values of labels 63. */
const most: Readonly<Record<string, number>> = {
  type: 1024,
  resourceID: 2048,
  clientID: 1024,
  clientPassword: 1024,
  tenantID: 1024,
  auxiliaryTenantIDs: 8192,
  adResourceID: 2048,
  adEndpoint: 2048,
  // The size that the schema allows.
  allowedNamespaces: 20_480,
  azureIdentity: 1024,
  selector: 1024,
  podSelector: 16_384,
  serviceAccountName: 1024,
  default: 1024,
  podLabels: 16_384,
  clientIDs: 16_384,
  // Of a record. The copies in it have no limit: its pod is known even if they are of no use.
  pod: 1024,
  podNamespace: 1024,
  nodename: 1024,
};

/** The fields of the spec that are larger than any use needs: schemas do not limit those of 2018. */
export function sizeProblems(object: unknown): readonly Problem[] {
  const spec = isJsonObject(object) ? object['spec'] : undefined;
  if (!isJsonObject(spec)) return [];
  return Object.entries(most).flatMap(([key, length]) =>
    !Object.hasOwn(spec, key) || fits(spec[key], length)
      ? []
      : [{ path: `spec.${key}`, message: `has more than ${length} characters: shorten it` }],
  );
}

function fits(value: unknown, length: number): boolean {
  try {
    const json = JSON.stringify(value) as string | undefined;
    return json === undefined || json.length <= length;
  } catch (error) {
    // Too deep or too long. Otherwise a BigInt or a cycle, which the parser refuses for its type.
    return !(error instanceof RangeError);
  }
}
