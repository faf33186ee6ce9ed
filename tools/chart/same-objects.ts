// Brings objects into a form in which those of the chart and those of kustomize are equal if they mean the same.
import type { KubeObject } from '../stage/objects.ts';

type Value = unknown;
type Fields = Readonly<Record<string, Value>>;

/** By kind, namespace and name, without what may differ: labels of Helm, the order of flags and variables, and written defaults. */
export function comparable(objects: readonly KubeObject[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    objects.map((object) => {
      const { kind, metadata } = object;
      return [`${kind} ${metadata.namespace ?? ''}/${metadata.name}`, plain(object, [])];
    }),
  );
}

function plain(value: Value, path: readonly string[]): Value {
  if (Array.isArray(value)) return list(value, path);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Fields)
    .filter(([key, each]) => !isLeftOut(key, each, path))
    .map(([key, each]) => [key, plain(each, [...path, key])] as const)
    .filter(([key, each]) => !(isLabels(key) && Object.keys(each as Fields).length === 0))
    // Lists are sorted by text.
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries);
}

function list(values: readonly Value[], path: readonly string[]): Value {
  const plainValues = values.map((each) => plain(each, path));
  return sorted.has(path.at(-1) ?? '') ? plainValues.toSorted(byText) : plainValues;
}

/** Their order has no meaning. */
const sorted = new Set(['args', 'env', 'volumes', 'volumeMounts', 'rules', 'subjects']);
const byText = (one: Value, other: Value) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);

const isLabels = (key: string) => key === 'labels' || key === 'annotations';

function isLeftOut(key: string, value: Value, path: readonly string[]): boolean {
  if (path.at(-1) === 'labels') return key.startsWith('app.kubernetes.io/') || key === 'helm.sh/chart';
  if (path.at(-1) === 'annotations') return key.startsWith('checksum/');
  return key === 'imagePullPolicy' && value === 'IfNotPresent';
}
