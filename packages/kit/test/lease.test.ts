import { describe, expect, test } from 'vitest';
import { createElector, KubeError, type LeaderTerm } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { createMemoryApi } from './fixtures/memory-api.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/ns/leases/mic';
const log = createLog({ component: 'test', destination: { write: () => undefined } });

type Api = ReturnType<typeof createMemoryApi>;
function candidate(identity: string, api: Api, clock: FakeClock) {
  const elector = createElector({
    transport: api.transport,
    namespace: 'ns',
    name: 'mic',
    identity,
    durationMs: 15_000,
    renewMs: 5000,
    retryMs: 2000,
    clock,
    random: () => 0,
    log,
  });
  const controller = new AbortController();
  const terms: LeaderTerm[] = [];
  let finish: () => Promise<void> | void = () => undefined;
  const running = elector.run(controller.signal, async (term) => {
    terms.push(term);
    await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
    await finish();
  });
  return {
    elector,
    terms,
    running,
    stop: () => controller.abort(new Error('stopped')),
    /** What `lead` does after its signal aborted. */
    onFinish(how: typeof finish) {
      finish = how;
    },
  };
}
const spec = (api: Api) => api.objects.get(path)?.spec ?? {};
const down = () => {
  throw new KubeError('transport', 'down');
};

describe('election', () => {
  test('the first candidate creates the Lease and renews it', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock(Date.UTC(2026, 0, 1))];
    const a = candidate('a', api, clock);
    expect([a.elector.isLeader(), a.elector.leader()]).toEqual([false, undefined]);
    await clock.advance(0);
    expect([a.elector.isLeader(), a.elector.leader()]).toEqual([true, 'a']);
    expect(spec(api)).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advance(60_000);
    expect(spec(api)).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
      leaseTransitions: 0,
    });
    expect(a.terms).toHaveLength(1);
    expect(a.terms[0]!.holds()).toBe(true);
  });

  test('a renewal is one request', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    candidate('a', api, clock);
    await clock.advance(0);
    api.requests.length = 0;
    await clock.advance(20_000);
    expect(api.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT', 'PUT']);
  });

  test('never two leaders: at most one of three holds the lease at any time', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const all = ['a', 'b', 'c'].map((identity) => candidate(identity, api, clock));
    let failing = 0;
    api.interfereWith(({ body }) => {
      const holder = (body as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
      if (holder !== undefined && holder === ['a', 'b', 'c'][failing]) down();
    });
    let elections = 0;
    for (let second = 0; second < 300; second += 1) {
      failing = Math.floor(second / 40) % 4;
      await clock.advance(1000);
      expect(all.filter(({ elector }) => elector.isLeader()).length).toBeLessThanOrEqual(1);
      elections = all.reduce((sum, { terms }) => sum + terms.length, 0);
    }
    expect(elections).toBeGreaterThan(3);
  });

  test('a dead leader is replaced only when its lease did not change for its duration on the local clock', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock(1_000_000)];
    // The times of the holder's clock do not count; the duration that it wrote does.
    const dead = {
      holderIdentity: 'dead',
      leaseDurationSeconds: 20,
      renewTime: '1999-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    };
    api.store(path, { metadata: { name: 'mic', namespace: 'ns' }, spec: dead });
    const b = candidate('b', api, clock);
    await clock.advance(10_000);
    api.store(path, {
      metadata: { name: 'mic', namespace: 'ns' },
      spec: { ...dead, renewTime: '1999-01-01T00:00:10.000000Z' },
    });
    await clock.advance(21_000);
    expect([b.elector.isLeader(), b.elector.leader()]).toEqual([false, 'dead']);
    await clock.advance(3000);
    expect(b.elector.isLeader()).toBe(true);
    expect(spec(api)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 5 });
  });

  test('on shutdown lead finishes under a renewed lease, then the lease is released and taken at once', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(0);
    const b = candidate('b', api, clock);
    const work = Promise.withResolvers<undefined>();
    a.onFinish(() => work.promise);
    a.stop();
    await clock.advance(60_000);
    expect(a.terms[0]!.signal.aborted).toBe(true);
    expect([a.terms[0]!.holds(), b.elector.isLeader(), spec(api)['holderIdentity']]).toEqual([
      true,
      false,
      'a',
    ]);
    work.resolve(undefined);
    await a.running;
    expect([a.elector.isLeader(), spec(api)['holderIdentity']]).toEqual([false, '']);
    await clock.advance(2000);
    expect(b.elector.isLeader()).toBe(true);
    expect(spec(api)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('a leader that cannot renew stops leading before others may take over, and stands for election again', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(5000);
    api.interfereWith(down);
    await clock.advance(11_999);
    expect([a.elector.isLeader(), a.terms[0]!.signal.aborted]).toEqual([true, false]);
    await clock.advance(1);
    expect([a.elector.isLeader(), a.terms[0]!.signal.aborted]).toEqual([false, true]);
    api.interfereWith(() => undefined);
    await clock.advance(4000);
    expect(a.elector.isLeader()).toBe(true);
    expect(a.terms).toHaveLength(2);
    expect(a.terms[0]!.holds()).toBe(false);
  });

  test('one failed renewal is retried in time', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(4000);
    api.interfereWith(down);
    await clock.advance(4000);
    api.interfereWith(() => undefined);
    await clock.advance(60_000);
    expect(a.terms).toHaveLength(1);
    expect(a.terms[0]!.signal.aborted).toBe(false);
  });

  test('a renewal that hangs does not extend the term', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(1000);
    api.interfereWith(
      ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('cut')))),
    );
    await clock.advance(10_999);
    expect(a.elector.isLeader()).toBe(true);
    await clock.advance(1);
    expect([a.elector.isLeader(), a.terms[0]!.signal.aborted]).toEqual([false, true]);
  });

  test('holds is false after the time, even if no timer has fired', async () => {
    const [api, real] = [createMemoryApi(), createFakeClock()];
    let ahead = 0;
    const starved: FakeClock = { ...real, elapsed: () => real.elapsed() + ahead };
    const a = candidate('a', api, starved);
    await real.advance(0);
    expect(a.terms[0]!.holds()).toBe(true);
    ahead = 12_000;
    expect([a.terms[0]!.holds(), a.elector.isLeader()]).toEqual([false, false]);
    // When timers run again, the late renewal must not extend the term.
    await real.advance(5000);
    expect(a.terms[0]!.signal.aborted).toBe(true);
    expect(a.terms[0]!.holds()).toBe(false);
  });

  test('a machine that was frozen beyond the end of its lease holds it no longer', async () => {
    const [api, real] = [createMemoryApi(), createFakeClock(Date.UTC(2026, 0, 1))];
    let frozenMs = 0;
    const a = candidate('a', api, { ...real, now: () => real.now() + frozenMs });
    await real.advance(0);
    frozenMs = 30_000;
    expect([a.terms[0]!.holds(), a.elector.isLeader()]).toEqual([false, false]);
  });

  test('a clock that is set back makes no term longer, and no candidate wait longer', async () => {
    const [api, real] = [createMemoryApi(), createFakeClock(Date.UTC(2026, 0, 1))];
    let back = 0;
    const set: FakeClock = { ...real, now: () => real.now() - back };
    const a = candidate('a', api, set);
    const b = candidate('b', api, set);
    await real.advance(1_000);
    back = 3_600_000;
    api.interfereWith(({ body }) => {
      const holder = (body as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
      if (holder === 'a') down();
    });
    await real.advance(20_000);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);
  });

  test('a lease that another process took ends the term at the next renewal', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(0);
    api.store(path, {
      metadata: { name: 'mic', namespace: 'ns' },
      spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 },
    });
    await clock.advance(5000);
    expect([a.elector.isLeader(), a.elector.leader(), a.terms[0]!.signal.aborted]).toEqual([
      false,
      'thief',
      true,
    ]);
  });

  test.each([
    ['edited by somebody else', (api: Api) => api.store(path, { ...api.objects.get(path)!, labels: {} })],
    ['deleted by somebody', (api: Api) => api.objects.delete(path)],
  ])('a lease %s but still free or ours is renewed', async (_, meddle) => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(0);
    meddle(api);
    await clock.advance(30_000);
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader()).toBe(true);
    expect(spec(api)['holderIdentity']).toBe('a');
  });

  test('of two candidates that create the Lease at once one wins', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const both = ['a', 'b'].map((identity) => candidate(identity, api, clock));
    await clock.advance(0);
    expect(both.filter(({ elector }) => elector.isLeader())).toHaveLength(1);
    expect(new Set(both.map(({ elector }) => elector.leader())).size).toBe(1);
  });

  test('an error of lead during a term ends run, and the lease is released', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const options = {
      transport: api.transport,
      namespace: 'ns',
      name: 'mic',
      identity: 'a',
      durationMs: 15_000,
    };
    const elector = createElector({ ...options, renewMs: 5000, retryMs: 2000, clock, random: () => 0, log });
    const running = elector.run(new AbortController().signal, () => Promise.reject(new Error('bug')));
    await expect(running).rejects.toThrow('bug');
    expect(spec(api)['holderIdentity']).toBe('');
    expect(clock.pending).toBe(0);
  });

  test('a lead that returns by itself causes no busy loop', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const options = {
      transport: api.transport,
      namespace: 'ns',
      name: 'mic',
      identity: 'a',
      durationMs: 15_000,
    };
    const elector = createElector({ ...options, renewMs: 5000, retryMs: 2000, clock, random: () => 0, log });
    let terms = 0;
    void elector.run(new AbortController().signal, () => Promise.resolve(void (terms += 1)));
    await clock.advance(10_000);
    expect(terms).toBe(6);
  });

  test('when the release fails, shutdown still ends', async () => {
    const [api, clock] = [createMemoryApi(), createFakeClock()];
    const a = candidate('a', api, clock);
    await clock.advance(0);
    api.interfereWith(down);
    a.stop();
    await a.running;
    expect(a.elector.isLeader()).toBe(false);
  });
});
