/** ARM takes tokens for either of its names, with or without the slash. */
export const managementAudiences: readonly string[] = [
  'https://management.azure.com',
  'https://management.azure.com/',
  'https://management.core.windows.net',
  'https://management.core.windows.net/',
];

export const vaultAudiences: readonly string[] = ['https://vault.azure.net', 'https://vault.azure.net/'];

/** The tenants know every resource, except those under the top-level domain reserved for names that do not exist. */
export function isUnknownResource(resource: string): boolean {
  return /^https?:\/\/[^/]*\.invalid(\/|$)/i.test(resource);
}
