export const defaultScope = '/.default';

/**
 * The resource behind an OAuth scope: `https://vault.azure.net/.default` asks for `https://vault.azure.net`. A scope without
 * `/.default` is taken as the resource. Managed identities get tokens for one resource at a time.
 *
 * @throws TypeError - not exactly one scope
 */
export function resourceOfScopes(scopes: string | readonly string[]): string {
  const [scope, ...others] = typeof scopes === 'string' ? [scopes] : scopes;
  if (scope === undefined || others.length > 0) {
    throw new TypeError('exactly one scope is needed: a managed identity token is for one resource');
  }
  return scope.endsWith(defaultScope) ? scope.slice(0, -defaultScope.length) : scope;
}
