/**
 * The caller's address in the spelling that Kubernetes uses for pods. It comes from the socket, so nothing that the caller sends can
 * change it.
 */
export function callerAddress(remoteAddress: string | undefined): string {
  const address = (remoteAddress ?? '').toLowerCase();
  // A dual-stack listener reports IPv4 callers as ::ffff:10.0.0.1.
  const mapped =
    address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
  const zone = mapped.indexOf('%');
  return zone < 0 ? mapped : mapped.slice(0, zone);
}

/** Whether the caller is a process of the node itself. Other 127.x addresses may belong to a pod. */
export function isNodeItself(address: string): boolean {
  return address === '127.0.0.1' || address === '::1';
}
