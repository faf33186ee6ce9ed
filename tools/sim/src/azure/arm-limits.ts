import type { ArmRefusal } from './arm-errors.ts';
import type { HostKind } from './hosts.ts';

type LimitedCall = 'get' | 'update' | 'poll';

export interface Limits {
  /** Takes one token from each bucket of the call. */
  take(call: LimitedCall, of: { readonly kind: HostKind; readonly hostId: string }): Verdict;
}

type Verdict =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly refusal: ArmRefusal };

interface Policy {
  readonly name: string;
  readonly per: 'resource' | 'subscription';
  readonly capacity: number;
  readonly perMinute: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

const pollPolicies: readonly Policy[] = [
  { name: 'GetOperationResource', per: 'resource', capacity: 45, perMinute: 15 },
];

/** Compute's published numbers. */
const policies: Readonly<Record<HostKind, Readonly<Record<LimitedCall, readonly Policy[]>>>> = {
  vm: {
    get: [{ name: 'GetVMResource', per: 'resource', capacity: 36, perMinute: 12 }],
    update: [
      { name: 'UpdateVMResource', per: 'resource', capacity: 12, perMinute: 4 },
      { name: 'UpdateVMSubscription', per: 'subscription', capacity: 1500, perMinute: 500 },
    ],
    poll: pollPolicies,
  },
  vmss: {
    get: [{ name: 'GetVMScaleSetSubscription', per: 'subscription', capacity: 2400, perMinute: 800 }],
    update: [
      { name: 'UpdateVMScaleSetResource', per: 'resource', capacity: 12, perMinute: 4 },
      { name: 'UpdateVMScaleSetSubscription', per: 'subscription', capacity: 1500, perMinute: 500 },
    ],
    poll: pollPolicies,
  },
};

export const noLimits: Limits = { take: () => ({ ok: true, headers: {} }) };

export function createLimits(now: () => number): Limits {
  const buckets = new Map<string, Bucket>();
  const filled = (policy: Policy, hostId: string): Bucket => {
    const key =
      `${policy.name} ${policy.per === 'resource' ? hostId : (hostId.split('/')[2] ?? '')}`.toLowerCase();
    const at = now();
    const before = buckets.get(key) ?? { tokens: policy.capacity, filledAt: at };
    const gained = ((at - before.filledAt) * policy.perMinute) / 60_000;
    const bucket = { tokens: Math.min(policy.capacity, before.tokens + gained), filledAt: at };
    buckets.set(key, bucket);
    return bucket;
  };
  return {
    take(call, { kind, hostId }) {
      const counted = policies[kind][call].map((policy) => ({ policy, bucket: filled(policy, hostId) }));
      const empty = counted.find(({ bucket }) => bucket.tokens < 1);
      if (empty !== undefined) return { ok: false, refusal: tooMany(empty.policy, empty.bucket.tokens) };
      for (const { bucket } of counted) bucket.tokens -= 1;
      const remaining = counted.map(({ policy, bucket }) => left(policy, bucket.tokens)).join(',');
      return { ok: true, headers: { 'x-ms-ratelimit-remaining-resource': remaining } };
    },
  };
}

const left = (policy: Policy, tokens: number): string =>
  `Microsoft.Compute/${policy.name};${Math.floor(tokens)}`;

function tooMany(policy: Policy, tokens: number): ArmRefusal {
  const seconds = Math.ceil(((1 - tokens) / policy.perMinute) * 60);
  const operationGroup = { operationGroup: policy.name, allowedRequestCount: policy.capacity };
  return {
    status: 429,
    code: 'OperationNotAllowed',
    message: `The server rejected the request because too many requests have been received for this ${policy.per}.`,
    details: [{ code: 'TooManyRequests', target: policy.name, message: JSON.stringify(operationGroup) }],
    headers: { 'retry-after': `${seconds}`, 'x-ms-ratelimit-remaining-resource': left(policy, tokens) },
  };
}
