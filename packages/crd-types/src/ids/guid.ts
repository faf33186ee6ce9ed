const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Whether it has the form of Azure's ids of clients, objects and tenants. */
export function isGuid(text: string): boolean {
  return guid.test(text);
}
