export const defaultScope = '/.default';

/**
 * The resource behind an OAuth scope: `https://vault.azure.net/.default` asks for `https://vault.azure.net`. A scope without
 * `/.default` is taken as the resource. Managed identities get tokens for one resource at a time.
 *
 * @throws TypeError - not exactly one scope, or no text
 */
export function resourceOfScopes(scopes: string | readonly string[]): string {
  const list: readonly unknown[] = Array.isArray(scopes) ? scopes : [scopes];
  const [scope, ...others] = list;
  if (typeof scope !== 'string' || scope === '' || others.length > 0) {
    throw new TypeError('scopes must be one text');
  }
  return scope.endsWith(defaultScope) ? scope.slice(0, -defaultScope.length) : scope;
}
