import { KubeError } from './errors.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

/**
 * The same transport for as long as `holds`, as far as it writes: what is not to be sent any more ends as `aborted`. It is asked
 * when the request is made and once more when its turn has come, since a process can be stopped in between. Reading goes on.
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

/** Throws what a request ends with that may not be sent any more. */
export function insistOnSending({ mayBeSent }: KubeRequest): void {
  if (mayBeSent?.() === false)
    throw new KubeError('aborted', 'not sent: whoever asked for it may not write any more');
}
