// Reads the original's lock, an annotation of an Endpoints object, and whether this project's MIC has ever led.
import {
  coreKinds,
  createResource,
  KubeError,
  type KubeErrorCode,
  type KubeTransport,
  type ObjectKey,
  type ResourceKind,
} from '@pod-identity/kit/kube';
import { readLock, type LockReading } from './lock.ts';

export interface LockReader {
  look(signal: AbortSignal): Promise<LockReading>;
  /** Whether MIC's own Lease exists, which means that it has led before. Undefined if unknown. */
  hasLed(signal: AbortSignal): Promise<boolean | undefined>;
}

const endpoints: ResourceKind = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  namespaced: true,
};
/** The lock is read again soon; one read that hangs must not delay this. */
const patienceMs = 5_000;
const passing: ReadonlySet<KubeErrorCode> = new Set(['transport', 'unavailable', 'throttled', 'aborted']);

export function createLockReader(
  given: KubeTransport,
  keys: { readonly lock: ObjectKey; readonly lease: ObjectKey },
): LockReader {
  const transport: KubeTransport = {
    ...given,
    request: (request) => given.request({ timeoutMs: patienceMs, ...request }),
  };
  const locks = createResource(transport, endpoints);
  const leases = createResource(transport, coreKinds.leases);
  return {
    async look(signal) {
      try {
        return readLock(await locks.get(keys.lock, { signal }));
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        const { code, message: why } = error;
        return code === 'not-found'
          ? { kind: 'free' }
          : { kind: 'unreadable', isPassing: passing.has(code), why };
      }
    },
    async hasLed(signal) {
      try {
        await leases.get(keys.lease, { signal });
        return true;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (error.code === 'not-found') return false;
        return passing.has(error.code) ? undefined : true;
      }
    },
  };
}
