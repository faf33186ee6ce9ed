/** `namespace/name`: unique among objects of one kind. */
export function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace ?? ''}/${name}`;
}

/** The namespace of a key `namespace/name`. */
export function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** The key of the pod that an AzureAssignedIdentity names. */
export function podOf(record: { readonly podNamespace: string; readonly podName: string }): string {
  return `${record.podNamespace}/${record.podName}`;
}
