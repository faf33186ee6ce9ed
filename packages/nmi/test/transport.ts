// An API server for tests of one room: answers lists from objects given, says nothing on watches.
import { once } from 'node:events';
import type { KubeRequest, KubeTransport } from '@pod-identity/kit/kube';

export interface FakeTransport extends KubeTransport {
  readonly requests: readonly KubeRequest[];
}

export function createTransport(answer: (request: KubeRequest) => unknown): FakeTransport {
  const requests: KubeRequest[] = [];
  return {
    requests,
    server: 'http://test',
    request: async (request) => {
      requests.push(request);
      await Promise.resolve();
      return answer(request);
    },
    watch: (request) => silence(request.signal),
    close: () => Promise.resolve(),
  };
}

async function* silence(signal: AbortSignal | undefined): AsyncGenerator<never> {
  if (signal && !signal.aborted) await once(signal, 'abort');
  yield* [];
}

export const list = (...items: readonly object[]) => ({ metadata: { resourceVersion: '1' }, items });
