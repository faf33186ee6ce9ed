import { createTokenBucket, type TokenBucket } from '@pod-identity/kit/core';
import type { Host } from '@pod-identity/crd-types';
import { spend, updateBudget, waitFor } from '../../snapshot/facts/budget.ts';

export type ThrottledAction = 'read' | 'update';

export interface Hold {
  readonly scope: 'host' | 'subscription';
  readonly retryAfterMs: number;
  readonly why: 'arm-said-so' | 'own-limit';
}

export interface Throttle {
  /** Takes a token for one request, or returns how long the host or its subscription has to wait. */
  take(host: Host, action: ThrottledAction, now: number): Hold | undefined;
  /** The same for a number of updates, without taking tokens. */
  look(host: Host, updates: number, now: number): Hold | undefined;
  /** The used budget of the host, in the form of its record. */
  spentUntil(host: Host): number;
  /** Sets the budget used by a former leader, from the host's record. */
  restore(host: Host, spentUntil: number, now: number): void;
  /** Blocks the scope until Retry-After is over. */
  hold(host: Host, hold: Pick<Hold, 'scope' | 'retryAfterMs'>, now: number): void;
}

const minuteMs = 60_000;

/** Below ARM's published limits for each VM (a burst of 36 and 12 a minute), for the reason in `updateBudget`. */
export const readLimit = { capacity: 24, refillPerMs: 9 / minuteMs } as const;

interface Gate {
  readonly reads: TokenBucket;
  spentUntil: number;
  heldUntil: number;
}

/** Beyond this number, gates in their initial state are removed. */
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
    const fresh: Gate = { reads: createTokenBucket({ ...readLimit, now }), spentUntil: 0, heldUntil: 0 };
    hosts.set(host.id, fresh);
    return fresh;
  };

  /** By Retry-After. */
  const heldByArm = (host: Host, now: number): Hold | undefined =>
    holdUntil('subscription', subscriptionsHeldUntil.get(subscriptionOf(host)) ?? 0, now) ??
    holdUntil('host', gateOf(host, now).heldUntil, now);

  return {
    take(host, action, now) {
      const gate = gateOf(host, now);
      return heldByArm(host, now) ?? heldByUs(takeFrom(gate, action, now));
    },
    look(host, updates, now) {
      const { spentUntil } = gateOf(host, now);
      return heldByArm(host, now) ?? heldByUs(waitFor(updateBudget, { spentUntil, now }, updates - 1));
    },
    spentUntil: (host) => hosts.get(host.id)?.spentUntil ?? 0,
    restore(host, spentUntil, now) {
      if (spentUntil > now) gateOf(host, now).spentUntil = Math.max(gateOf(host, now).spentUntil, spentUntil);
    },
    hold(host, { scope, retryAfterMs }, now) {
      const until = now + retryAfterMs;
      if (scope === 'host') {
        const gate = gateOf(host, now);
        gate.heldUntil = Math.max(gate.heldUntil, until);
        return;
      }
      const subscription = subscriptionOf(host);
      const known = subscriptionsHeldUntil.get(subscription) ?? 0;
      subscriptionsHeldUntil.set(subscription, Math.max(known, until));
    },
  };
}

function holdUntil(scope: Hold['scope'], until: number, now: number): Hold | undefined {
  return until > now ? { scope, retryAfterMs: until - now, why: 'arm-said-so' } : undefined;
}

function heldByUs(waitMs: number): Hold | undefined {
  return waitMs === 0 ? undefined : { scope: 'host', retryAfterMs: waitMs, why: 'own-limit' };
}

function takeFrom(gate: Gate, action: ThrottledAction, now: number): number {
  if (action === 'read') return gate.reads.take(now);
  const waitMs = waitFor(updateBudget, { spentUntil: gate.spentUntil, now });
  if (waitMs === 0) gate.spentUntil = spend(updateBudget, { spentUntil: gate.spentUntil, now });
  return waitMs;
}

function isAsNew({ reads, spentUntil, heldUntil }: Gate, now: number): boolean {
  return heldUntil <= now && spentUntil <= now && reads.available(now) >= readLimit.capacity;
}

/** `/subscriptions/<id>` of a canonical resource id. */
function subscriptionOf(host: Host): string {
  return host.id.split('/', 3).join('/');
}
