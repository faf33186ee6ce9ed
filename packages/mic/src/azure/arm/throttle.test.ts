import type { Host, ResourceId } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import { updateBudget } from '../../snapshot/facts/budget.ts';
import { createThrottle, readLimit } from './throttle.ts';

const host = (name: string, subscription = 's'): Host => ({
  kind: 'vmss',
  id: `/subscriptions/${subscription}/resourcegroups/g/providers/microsoft.compute/virtualmachinescalesets/${name}` as ResourceId,
});

describe('the throttle', () => {
  it('stays below the limits that ARM publishes for a resource', () => {
    expect(updateBudget.burst).toBeLessThan(12);
    expect(60_000 / updateBudget.everyMs).toBeLessThan(4);
    expect(readLimit.capacity).toBeLessThan(36);
    expect(readLimit.refillPerMs * 60_000).toBeLessThan(12);
  });

  it('allows a burst, then one update every 20 s, for each host', () => {
    const throttle = createThrottle();
    for (let count = 0; count < 8; count += 1) expect(throttle.take(host('a'), 'update', 0)).toBeUndefined();
    expect(throttle.take(host('a'), 'update', 0)).toEqual({
      scope: 'host',
      retryAfterMs: 20_000,
      why: 'own-limit',
    });
    expect(throttle.take(host('a'), 'read', 0)).toBeUndefined();
    expect(throttle.take(host('b'), 'update', 0)).toBeUndefined();
    expect(throttle.take(host('a'), 'update', 20_000)).toBeUndefined();
  });

  it('continues from the state of the previous process, and a record from a clock that was ahead costs at most one budget', () => {
    const former = createThrottle();
    for (let count = 0; count < 8; count += 1) former.take(host('a'), 'update', 1000);
    const next = createThrottle();
    next.restore(host('a'), former.spentUntil(host('a')), 1000);
    expect(next.take(host('a'), 'update', 1000)).toMatchObject({ retryAfterMs: 20_000, why: 'own-limit' });
    expect(next.take(host('a'), 'update', 21_000)).toBeUndefined();
    next.restore(host('b'), 10 ** 12, 1000);
    expect(next.take(host('b'), 'update', 1000)).toMatchObject({ retryAfterMs: 20_000 });
  });

  it('a Retry-After blocks only that host, reads and updates, until it is over', () => {
    const throttle = createThrottle();
    throttle.hold(host('a'), { scope: 'host', retryAfterMs: 60_000 }, 1000);
    expect(throttle.take(host('a'), 'read', 2000)).toEqual({
      scope: 'host',
      retryAfterMs: 59_000,
      why: 'arm-said-so',
    });
    expect(throttle.take(host('a'), 'update', 60_999)).toMatchObject({ retryAfterMs: 1 });
    expect(throttle.take(host('b'), 'update', 2000)).toBeUndefined();
    expect(throttle.take(host('a'), 'update', 61_000)).toBeUndefined();
  });

  it('a subscription-level Retry-After blocks every host of the subscription, no other', () => {
    const throttle = createThrottle();
    throttle.hold(host('a'), { scope: 'subscription', retryAfterMs: 60_000 }, 0);
    expect(throttle.take(host('b'), 'read', 10)).toMatchObject({
      scope: 'subscription',
      retryAfterMs: 59_990,
    });
    expect(throttle.take(host('c', 'other'), 'read', 10)).toBeUndefined();
  });

  it('a shorter hold does not shorten a longer one', () => {
    const throttle = createThrottle();
    throttle.hold(host('a'), { scope: 'host', retryAfterMs: 60_000 }, 0);
    throttle.hold(host('a'), { scope: 'host', retryAfterMs: 1000 }, 0);
    expect(throttle.take(host('a'), 'update', 2000)).toMatchObject({ retryAfterMs: 58_000 });
  });

  it('evicts idle hosts, but keeps used budgets', () => {
    const throttle = createThrottle();
    for (let count = 0; count < 8; count += 1) throttle.take(host('busy'), 'update', 0);
    for (let count = 0; count < 3000; count += 1) throttle.take(host(`h${count}`), 'read', 0);
    expect(throttle.take(host('busy'), 'update', 0)).toMatchObject({ why: 'own-limit' });
  });
});
