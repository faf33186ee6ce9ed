import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { describeFailure } from '../cluster/connect.ts';

/**
 * The same transport. `onHealth` is called with why the API server gives no answers, or undefined when it has given one: only when that
 * changes.
 */
export function watchHealth(
  kube: KubeTransport,
  onHealth: (problem: string | undefined) => void,
): KubeTransport {
  let last: string | undefined;
  const note = (problem: string | undefined) => {
    if (problem !== last) onHealth((last = problem));
  };
  const noteError = (error: unknown) => {
    if (!(error instanceof KubeError)) return;
    // One kind may be refused or missing while the rest goes on.
    const isLost = error.code === 'transport' || error.code === 'unauthorized';
    if (isLost) note(describeFailure(kube.server, error));
    else if (error.status !== undefined) note(undefined);
  };
  return {
    ...kube,
    async request(request) {
      try {
        const response = await kube.request(request);
        note(undefined);
        return response;
      } catch (error) {
        noteError(error);
        throw error;
      }
    },
    async *watch(request) {
      const onOpen = () => {
        note(undefined);
        request.onOpen?.();
      };
      try {
        yield* kube.watch({ ...request, onOpen });
      } catch (error) {
        noteError(error);
        throw error;
      }
    },
  };
}
