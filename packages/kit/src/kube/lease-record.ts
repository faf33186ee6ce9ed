import { coreKinds } from './kinds.ts';
import { apiVersionOf, field, metadataOf, textField } from './object.ts';

/** Holder and times of a Lease. Times are of the holder's clock and not comparable with the local one. */
export interface LeaseRecord {
  /** Empty if there is no holder. */
  readonly holder: string;
  readonly durationMs: number | undefined;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
  /** Changes with every renewal. */
  readonly fingerprint: string;
}

export function readLease(object: unknown): LeaseRecord {
  const spec = field(object, 'spec');
  const seconds = field(spec, 'leaseDurationSeconds');
  const transitions = field(spec, 'leaseTransitions');
  return {
    holder: textField(spec, 'holderIdentity'),
    durationMs: typeof seconds === 'number' ? seconds * 1000 : undefined,
    acquireTime: textField(spec, 'acquireTime'),
    transitions: typeof transitions === 'number' ? transitions : 0,
    resourceVersion: metadataOf(object)?.resourceVersion ?? '',
    fingerprint: JSON.stringify(spec ?? null),
  };
}

export interface LeaseClaim {
  readonly namespace: string;
  readonly name: string;
  /** Empty releases the Lease. */
  readonly holder: string;
  readonly durationMs: number;
  readonly now: number;
}

/** The Lease with this claim, as successor of the one that was read, if any. */
export function writeLease(claim: LeaseClaim, before: LeaseRecord | undefined): object {
  const time = microTime(claim.now);
  const keeps = before?.holder === claim.holder;
  const resourceVersion = before?.resourceVersion;
  return {
    apiVersion: apiVersionOf(coreKinds.leases),
    kind: coreKinds.leases.kind,
    metadata: { namespace: claim.namespace, name: claim.name, ...(resourceVersion && { resourceVersion }) },
    spec: {
      holderIdentity: claim.holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(claim.durationMs / 1000)),
      acquireTime: keeps ? before.acquireTime : time,
      renewTime: time,
      leaseTransitions: before ? before.transitions + (keeps || claim.holder === '' ? 0 : 1) : 0,
    },
  };
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
