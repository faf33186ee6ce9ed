import type { Labels } from '@pod-identity/crd-types';

/**
 * Adds labels to a view as one string, which is parsed at each read: an object of many short labels takes eight times as much memory as
 * their text. A copy of the view by spread has an object again.
 */
export function withPackedLabels<V extends object>(view: V, labels: Labels): V & { readonly labels: Labels } {
  const text = JSON.stringify(labels);
  return Object.defineProperty(view, 'labels', {
    enumerable: true,
    get: () => JSON.parse(text) as Labels,
  }) as V & { readonly labels: Labels };
}
