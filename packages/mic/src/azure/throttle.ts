import { createTokenBucket, type TokenBucket } from '@pod-identity/kit/core';
import type { Host } from '@pod-identity/crd-types';

export type ThrottledAction = 'read' | 'update';

interface Hold {
  readonly scope: 'host' | 'subscription';
  readonly retryAfterMs: number;
  readonly why: 'arm-said-so' | 'own-limit';
}

export interface Throttle {
  /** Takes a token for one request, or says how long that host (or its whole subscription) is to be left alone. */
  take(host: Host, action: ThrottledAction, now: number): Hold | undefined;
  /** Retry-After: nothing more in that scope until it is over. */
  hold(host: Host, hold: Pick<Hold, 'scope' | 'retryAfterMs'>, now: number): void;
}

const minuteMs = 60_000;

/**
 * Below what ARM publishes for each resource (updates: a burst of 12 and 4 a minute; reads: 36 and 12), because the
 * owner's own tools and cluster upgrades draw on the same budget.
 */
export const limits = {
  update: { capacity: 8, refillPerMs: 3 / minuteMs },
  read: { capacity: 24, refillPerMs: 9 / minuteMs },
} as const satisfies Record<ThrottledAction, { capacity: number; refillPerMs: number }>;

interface Gate {
  readonly buckets: Map<ThrottledAction, TokenBucket>;
  heldUntil: number;
}

/** Hosts come and go: beyond this many, gates that are as good as new are forgotten. */
const sweepAbove = 1000;

export function createThrottle(): Throttle {
  const hosts = new Map<string, Gate>();
  const subscriptionsHeldUntil = new Map<string, number>();
  let sweepAt = sweepAbove;

  const gateOf = (host: Host, now: number): Gate => {
    const known = hosts.get(host.id);
    if (known !== undefined) return known;
    if (hosts.size >= sweepAt) {
      for (const [id, gate] of hosts) if (isAsNew(gate, now)) hosts.delete(id);
      sweepAt = Math.max(sweepAbove, hosts.size * 2);
    }
    const fresh: Gate = { buckets: new Map(), heldUntil: 0 };
    hosts.set(host.id, fresh);
    return fresh;
  };

  return {
    take(host, action, now) {
      const subscriptionMs = (subscriptionsHeldUntil.get(subscriptionOf(host)) ?? 0) - now;
      if (subscriptionMs > 0)
        return { scope: 'subscription', retryAfterMs: subscriptionMs, why: 'arm-said-so' };
      const gate = gateOf(host, now);
      if (gate.heldUntil > now)
        return { scope: 'host', retryAfterMs: gate.heldUntil - now, why: 'arm-said-so' };
      const waitMs = bucketOf(gate, action, now).take(now);
      return waitMs === 0 ? undefined : { scope: 'host', retryAfterMs: waitMs, why: 'own-limit' };
    },
    hold(host, { scope, retryAfterMs }, now) {
      const until = now + retryAfterMs;
      if (scope === 'host') {
        const gate = gateOf(host, now);
        gate.heldUntil = Math.max(gate.heldUntil, until);
        return;
      }
      const subscription = subscriptionOf(host);
      subscriptionsHeldUntil.set(
        subscription,
        Math.max(subscriptionsHeldUntil.get(subscription) ?? 0, until),
      );
    },
  };
}

function bucketOf(gate: Gate, action: ThrottledAction, now: number): TokenBucket {
  const known = gate.buckets.get(action);
  if (known !== undefined) return known;
  const fresh = createTokenBucket({ ...limits[action], now });
  gate.buckets.set(action, fresh);
  return fresh;
}

function isAsNew(gate: Gate, now: number): boolean {
  if (gate.heldUntil > now) return false;
  return [...gate.buckets].every(([action, bucket]) => bucket.available(now) >= limits[action].capacity);
}

/** `/subscriptions/<id>` of a canonical resource id. */
function subscriptionOf(host: Host): string {
  return host.id.split('/', 3).join('/');
}
