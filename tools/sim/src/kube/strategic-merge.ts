import { isDeepStrictEqual } from 'node:util';
import { isRecord, type Json } from './object.ts';

/**
 * Which lists merge, and by which key: of the declarations of the built-in kinds, those that our programs and their users
 * need. Any other list is replaced.
 * https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/#use-a-strategic-merge-patch-to-update-a-deployment
 */
const mergeKeys: Readonly<Record<string, readonly string[]>> = {
  addresses: ['type'],
  conditions: ['type'],
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  ownerReferences: ['uid'],
  podIPs: ['ip'],
  // Ports of a container, or of a Service.
  ports: ['containerPort', 'port'],
  secrets: ['name'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};

/** Lists of plain values that are merged. */
const sets = new Set(['finalizers', 'podCIDRs']);

export function strategicMerge(target: unknown, patch: unknown): unknown {
  return isRecord(patch) ? mergeRecord(isRecord(target) ? target : {}, patch) : patch;
}

function mergeRecord(target: Json, patch: Json): Json {
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'replace') return fields;
  const merged: Json = directive === 'delete' ? {} : { ...target };
  if (Array.isArray(retained)) {
    for (const key of Object.keys(merged)) if (!retained.includes(key)) Reflect.deleteProperty(merged, key);
  }
  for (const [key, value] of Object.entries(fields)) mergeField(merged, key, value);
  return merged;
}

function mergeField(merged: Json, key: string, value: unknown): void {
  const [directive, list] = key.startsWith('$') ? key.split('/') : [];
  // The directive for the order of a list is ignored: no test needs it.
  if (directive === '$setElementOrder') return;
  if (directive === '$deleteFromPrimitiveList' && list !== undefined) {
    merged[list] = without(merged[list], value);
    return;
  }
  if (value === null) Reflect.deleteProperty(merged, key);
  else if (Array.isArray(value)) merged[key] = mergeList(key, merged[key], value);
  else merged[key] = strategicMerge(merged[key], value);
}

function without(list: unknown, gone: unknown): unknown {
  return Array.isArray(list) && Array.isArray(gone) ? list.filter((item) => !gone.includes(item)) : list;
}

function mergeList(name: string, target: unknown, patch: readonly unknown[]): readonly unknown[] {
  const present: readonly unknown[] = Array.isArray(target) ? target : [];
  if (sets.has(name)) return [...new Set([...present, ...patch])];
  const mergeKey = mergeKeys[name]?.find((key) => patch.some((item) => isRecord(item) && key in item));
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace'))
    return patch.filter((item) => !isDirective(item));
  return mergeKey === undefined
    ? patch
    : patch.reduce<readonly unknown[]>((list, item) => mergeItem(mergeKey, list, item), present);
}

const isDirective = (item: unknown): boolean => isDeepStrictEqual(item, { $patch: 'replace' });

function mergeItem(mergeKey: string, list: readonly unknown[], item: unknown): readonly unknown[] {
  if (!isRecord(item)) return list;
  const isSame = (other: unknown): other is Json => isRecord(other) && other[mergeKey] === item[mergeKey];
  if (item['$patch'] === 'delete') return list.filter((other) => !isSame(other));
  const known = list.findIndex(isSame);
  if (known < 0) return [...list, mergeRecord({}, item)];
  return list.map((other, position) =>
    position === known && isSame(other) ? mergeRecord(other, item) : other,
  );
}
