import { KubeError } from './errors.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

/**
 * The same transport, whose writes end as `aborted` when `holds` returns false. It is checked when the request is made and right before
 * it is sent, since the process can be suspended in between. While it holds, a write that is under way outlives its signal. Reads are not
 * affected.
 */
export function fenceWrites(transport: KubeTransport, holds: () => boolean): KubeTransport {
  return {
    ...transport,
    request: async (request) => {
      if (request.method === 'GET') return transport.request(request);
      const fenced = { ...request, mayBeSent: holds };
      insistOnSending(fenced);
      return transport.request(fenced);
    },
  };
}

/** Throws `aborted` if the request may no longer be sent. */
export function insistOnSending({ mayBeSent }: KubeRequest): void {
  if (mayBeSent?.() === false)
    throw new KubeError('aborted', 'not sent: whoever asked for it may not write any more');
}
