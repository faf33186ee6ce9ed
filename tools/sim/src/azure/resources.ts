/** ARM accepts tokens for either of its names, with or without the slash. */
export const managementAudiences: readonly string[] = [
  'https://management.azure.com',
  'https://management.azure.com/',
  'https://management.core.windows.net',
  'https://management.core.windows.net/',
];

export const vaultAudiences: readonly string[] = ['https://vault.azure.net', 'https://vault.azure.net/'];

/** All resources exist, except those under the reserved top-level domain `.invalid`. */
export function isUnknownResource(resource: string): boolean {
  return /^https?:\/\/[^/]*\.invalid(\/|$)/i.test(resource);
}
