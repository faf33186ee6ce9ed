export interface ResourcePath {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly provider: string;
  readonly type: string;
  readonly name: string;
}

const shape = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+)\/([^/]+)\/([^/]+)\/?$/i;

export function parseResourcePath(id: string): ResourcePath | undefined {
  const [, subscriptionId, resourceGroup, provider, type, name] = shape.exec(id) ?? [];
  if (!subscriptionId || !resourceGroup || !provider || !type || !name) return undefined;
  return { subscriptionId, resourceGroup, provider, type, name };
}

/** ARM compares ids without case: every map of this room is keyed by this. */
export function keyOf(id: string): string {
  return id.toLowerCase().replace(/\/+$/, '');
}

export function isUserAssignedIdentityId(id: string): boolean {
  const path = parseResourcePath(id);
  if (path === undefined) return false;
  return `${path.provider}/${path.type}`.toLowerCase() === 'microsoft.managedidentity/userassignedidentities';
}
