/**
 * The caller's address in the spelling that Kubernetes uses for pods. The peer address is the only truth about a caller: it
 * comes from the socket, and nothing that the caller writes can change it.
 */
export function callerAddress(remoteAddress: string | undefined): string {
  const address = (remoteAddress ?? '').toLowerCase();
  // A dual-stack listener shows IPv4 callers as ::ffff:10.0.0.1.
  const mapped =
    address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
  const zone = mapped.indexOf('%');
  return zone < 0 ? mapped : mapped.slice(0, zone);
}

/** Whether the caller is a process on the node itself. Only these two: other 127.x addresses may stand for a pod. */
export function isNodeItself(address: string): boolean {
  return address === '127.0.0.1' || address === '::1';
}
