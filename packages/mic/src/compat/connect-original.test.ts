import { KubeError, type KubeRequest, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import { createMetrics } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { micMetrics } from '../tell/metrics.ts';
import { readOriginalWarning, watchOriginal } from './connect-original.ts';
import { lockAnnotation } from './lock.ts';

const lock = { namespace: 'default', name: 'aad-pod-identity-mic' };
const lease = { namespace: 'aad-pod-identity', name: 'our-mic' };
const { signal } = new AbortController();

/** An API server whose lock of the original `holder` renews every 3.75 s; without Leases. */
function setUp({ isRead = true } = {}) {
  const names = { lock: isRead ? lock : undefined, lease };
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  let holder = 'mic-7d9f';
  const paths: string[] = [];
  const transport = {
    server: 'memory',
    request: ({ path }: KubeRequest) => {
      paths.push(path);
      if (!path.endsWith(`/default/endpoints/${lock.name}`) || holder === '')
        return Promise.reject(new KubeError('not-found', 'not found'));
      const renewTime = new Date(clock.now() - (clock.now() % 3_750)).toISOString();
      const annotations = { [lockAnnotation]: JSON.stringify({ holderIdentity: holder, renewTime }) };
      return Promise.resolve({ metadata: { annotations } });
    },
  } as Partial<KubeTransport> as KubeTransport;
  const metrics = createMetrics(micMetrics);
  const original = watchOriginal({
    names,
    transport,
    clock,
    log: createFakeLog(),
    metrics,
  });
  const running = async () => /^\w*mic_original_running (\d)/m.exec(await metrics.text())?.[1];
  const ask = () => readOriginalWarning(names, { transport, clock })(signal);
  return { clock, original, running, ask, paths, leaves: () => (holder = '') };
}

test('without --original-lock nothing is read, waited for or said', async () => {
  const { original, ask, paths } = setUp({ isRead: false });
  await original.standBy(signal);
  const work = Promise.resolve();
  expect(original.beside({ signal, holds: () => true }, work)).toBe(work);
  expect([await ask(), paths]).toEqual([undefined, []]);
});

test('the first start waits while the lock is renewed, and looks for a Lease of its own', async () => {
  const { clock, original, paths, leaves } = setUp();
  let hasStarted = false;
  void original.standBy(signal).then(() => (hasStarted = true));
  await clock.advance(60_000);
  expect(hasStarted).toBe(false);
  expect(new Set(paths)).toEqual(
    new Set([
      '/apis/coordination.k8s.io/v1/namespaces/aad-pod-identity/leases/our-mic',
      '/api/v1/namespaces/default/endpoints/aad-pod-identity-mic',
    ]),
  );
  leaves();
  await clock.advance(15_000);
  expect(hasStarted).toBe(true);
});

test('while it leads beside the original, the metric says so', async () => {
  const { clock, original, running, leaves } = setUp();
  const ending = new AbortController();
  const term: LeaderTerm = { signal: ending.signal, holds: () => !ending.signal.aborted };
  const done = original.beside(term, Promise.resolve());
  await clock.advance(60_000);
  expect(await running()).toBe('1');
  leaves();
  await clock.advance(600_000);
  expect(await running()).toBe('0');
  ending.abort();
  await done;
});

test('whoever asks is told the lock and who renews it', async () => {
  const { clock, ask, leaves } = setUp();
  const asked = ask();
  await clock.advance(10_000);
  expect(await asked).toContain('mic-7d9f renews the lock default/aad-pod-identity-mic');
  leaves();
  expect(await ask()).toBeUndefined();
});
