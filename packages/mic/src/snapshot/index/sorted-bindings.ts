// Bindings of one namespace in the order of their names. One that changes is put into its place, instead of sorting all again.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';

export type SortedBindings = AzureIdentityBinding[];

/** In the place of one of the same name, if there is one. */
export function putInto(sorted: SortedBindings, binding: AzureIdentityBinding): void {
  const at = placeOf(sorted, binding);
  sorted.splice(at, isAt(sorted, at, binding) ? 1 : 0, binding);
}

/** The one of the same name that was there. */
export function takeFrom(
  sorted: SortedBindings,
  binding: AzureIdentityBinding,
): AzureIdentityBinding | undefined {
  const at = placeOf(sorted, binding);
  return isAt(sorted, at, binding) ? sorted.splice(at, 1)[0] : undefined;
}

/** Where it is, or would have to be. */
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
