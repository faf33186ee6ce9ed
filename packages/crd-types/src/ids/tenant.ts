// Tenants of service principals, for warnings and for rights. Two questions: whether a text can be a tenant at all, since it becomes part of a
// URL and of the name of a right; and whether it probably is none. A text of the second sort is served, and rights on it are given, each with
// the same warning: Entra knows no such tenant and gives no token, and an AD FS may have a name of its own.
import { isGuid } from './guid.ts';
import { quote } from '../parsing/quote.ts';

/** Azure Resource Manager takes tokens of so many further tenants in one request, and NMI serves no identity with more. */
export const mostAuxiliaryTenants = 3;

const longestTenant = 253;
const possible = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i;
const domain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/i;
/** The tenant of Azure Stack Hub with AD FS. */
const adfs = /^adfs$/i;

/** Whether it can be a tenant. */
export function isTenant(text: string): boolean {
  return text.length <= longestTenant && possible.test(text);
}

/** Why it probably is no tenant, and the remedy. */
export function tenantDoubt(text: string): string | undefined {
  if (isGuid(text) || adfs.test(text) || (isTenant(text) && domain.test(text))) return undefined;
  return `${quote(text)}, which is neither the id of a tenant (a GUID) nor a domain such as contoso.onmicrosoft.com: write one of them`;
}
