/**
 * Lower-case client ids of identities that are never detached: those of `--immutable-user-msis` and the cluster's own.
 * The cluster's own is empty where MIC signs in without a managed identity.
 */
export function immutableClientIds(
  configured: Iterable<string>,
  clusterClientId: string,
): ReadonlySet<string> {
  return new Set([...configured, clusterClientId.toLowerCase()].filter((id) => id !== ''));
}
