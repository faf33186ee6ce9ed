/** Of `namespace/name`. */
export function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
