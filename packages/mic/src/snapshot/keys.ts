/** `namespace/name`, by which objects of one kind are told apart. */
export function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return `${namespace ?? ''}/${name}`;
}

/** Of `namespace/name`. */
export function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/** Of the pod that an AzureAssignedIdentity names. */
export function podOf(record: { readonly podNamespace: string; readonly podName: string }): string {
  return `${record.podNamespace}/${record.podName}`;
}
