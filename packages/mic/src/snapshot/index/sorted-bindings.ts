// Bindings of one namespace sorted by name. A changed binding is inserted at its position, without sorting again.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';

export type SortedBindings = AzureIdentityBinding[];

/** Replaces the binding of the same name, if any. */
export function putInto(sorted: SortedBindings, binding: AzureIdentityBinding): void {
  const at = placeOf(sorted, binding);
  sorted.splice(at, isAt(sorted, at, binding) ? 1 : 0, binding);
}

/** Removes the binding of the same name and returns it. */
export function takeFrom(
  sorted: SortedBindings,
  binding: AzureIdentityBinding,
): AzureIdentityBinding | undefined {
  const at = placeOf(sorted, binding);
  return isAt(sorted, at, binding) ? sorted.splice(at, 1)[0] : undefined;
}

/** Its index, or the index to insert it at. */
function placeOf(sorted: SortedBindings, { metadata: { name } }: AzureIdentityBinding): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle]?.metadata.name ?? '') < name) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isAt(sorted: SortedBindings, at: number, { metadata }: AzureIdentityBinding): boolean {
  return sorted[at]?.metadata.name === metadata.name;
}
