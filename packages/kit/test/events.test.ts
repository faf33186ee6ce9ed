import { describe, expect, test } from 'vitest';
import { createEventRecorder, KubeError, type EventDraft, type KubeErrorCode } from '@pod-identity/kit/kube';
import { createLog, type Log } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createMemoryApi } from './fixtures/memory-api.ts';

const draft = (change: Partial<EventDraft> = {}): EventDraft => ({
  type: 'Warning',
  reason: 'AttachFailed',
  message: 'no such identity',
  involved: { apiVersion: 'g/v1', kind: 'AzureIdentity', namespace: 'ns', name: 'id', uid: 'u1' },
  ...change,
});

const log = createLog({ component: 'test', destination: { write: () => undefined } });
const random = () => 0.5;

function start(options: { maxQueued?: number; log?: Log } = {}) {
  const api = createMemoryApi();
  const clock = createFakeClock(Date.UTC(2026, 0, 1, 12, 0, 0, 500));
  const recorder = createEventRecorder({
    transport: api.transport,
    component: 'mic',
    clock,
    random,
    log,
    ...options,
  });
  const events = () => [...api.objects.values()];
  const methods = () => api.requests.map(({ method }) => method);
  return { api, clock, recorder, events, methods };
}

describe('event recorder', () => {
  test('writes a core/v1 Event beside its object', async () => {
    const { recorder, api, events } = start();
    recorder.record(draft());
    await recorder.flush();
    expect([...api.objects.keys()][0]).toMatch(/^\/api\/v1\/namespaces\/ns\/events\/id\.[0-9a-f]{16}$/);
    expect(events()[0]).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      type: 'Warning',
      reason: 'AttachFailed',
      message: 'no such identity',
      involvedObject: draft().involved,
      source: { component: 'mic' },
      firstTimestamp: '2026-01-01T12:00:00Z',
      lastTimestamp: '2026-01-01T12:00:00Z',
      count: 1,
    });
  });

  test('equal events of two components for one object are one Event', async () => {
    const { recorder, api, clock, events } = start();
    const other = createEventRecorder({ transport: api.transport, component: 'nmi', clock, random, log });
    const told: boolean[] = [];
    recorder.record(draft());
    await recorder.flush();
    await clock.advance(61_000);
    other.record(draft(), (isWritten) => told.push(isWritten));
    await other.flush();
    other.record(draft());
    await other.flush();
    expect(told).toEqual([true]);
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      source: { component: 'mic' },
      count: 2,
      lastTimestamp: '2026-01-01T12:01:01Z',
    });
  });

  test('an event of another component that must not be changed counts as written', async () => {
    const { recorder, api, clock, events } = start();
    const other = createEventRecorder({ transport: api.transport, component: 'nmi', clock, random, log });
    recorder.record(draft());
    await recorder.flush();
    api.interfereWith(({ method }) => {
      if (method === 'PATCH') throw new KubeError('denied', 'not of this node', { status: 403 });
    });
    const told: boolean[] = [];
    for (let index = 0; index < 2; index += 1) {
      other.record(draft(), (isWritten) => told.push(isWritten));
      await other.flush();
    }
    expect(told).toEqual([true, true]);
    expect(events()).toHaveLength(1);
  });

  test('events of objects without a namespace are in default; long names and messages are shortened', async () => {
    const { recorder, api, events } = start();
    const involved = { apiVersion: 'v1', kind: 'Node', name: 'n'.repeat(253) };
    recorder.record(draft({ involved, message: 'm'.repeat(2000) }));
    await recorder.flush();
    const [path = ''] = api.objects.keys();
    expect(path).toContain('/namespaces/default/events/');
    expect(path.split('/').at(-1)).toHaveLength(253);
    expect(String(events()[0]?.['message'])).toHaveLength(1024);
  });

  test('a repeated event is one object with an increasing count', async () => {
    const { recorder, clock, events, methods } = start();
    recorder.record(draft());
    await recorder.flush();
    await clock.advance(61_000);
    recorder.record(draft());
    recorder.record(draft());
    recorder.record(draft());
    await recorder.flush();
    expect(methods()).toEqual(['POST', 'PATCH']);
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      count: 4,
      firstTimestamp: '2026-01-01T12:00:00Z',
      lastTimestamp: '2026-01-01T12:01:01Z',
    });
  });

  test.each([
    ['reason', { reason: 'Other' }],
    ['message', { message: 'other' }],
    ['type', { type: 'Normal' }],
    ['uid', { involved: { ...draft().involved, uid: 'u2' } }],
  ] as const)('another %s is another event', async (_, change) => {
    const { recorder, methods } = start();
    recorder.record(draft());
    recorder.record(draft(change));
    await recorder.flush();
    expect(methods()).toEqual(['POST', 'POST']);
  });

  test('an event that expired on the server is created again', async () => {
    const { recorder, clock, api, methods, events } = start();
    recorder.record(draft());
    await recorder.flush();
    api.objects.clear();
    await clock.advance(1);
    recorder.record(draft());
    await recorder.flush();
    expect(methods()).toEqual(['POST', 'PATCH', 'POST']);
    expect(events()[0]).toMatchObject({ count: 1 });
  });

  test('one object gets a burst, then one event in five minutes; others are not affected', async () => {
    const { recorder, clock, methods } = start();
    const say = (message: string, uid = 'u1') =>
      recorder.record(draft({ message, involved: { ...draft().involved, uid } }));
    for (let index = 0; index < 30; index += 1) say(`m${index}`);
    say('x', 'u2');
    await recorder.flush();
    expect(methods()).toHaveLength(26);
    await clock.advance(300_000);
    say('later');
    say('too soon');
    await recorder.flush();
    expect(methods()).toHaveLength(27);
  });

  test('events beyond the limit of waiting ones are dropped', async () => {
    const { recorder, methods } = start({ maxQueued: 4 });
    for (let index = 0; index < 10; index += 1) recorder.record(draft({ message: `m${index}` }));
    await recorder.flush();
    expect(methods()).toHaveLength(2);
  });

  test('waiting events of one namespace leave half of the places to others, and are written in the order in which they came', async () => {
    const { recorder, api } = start({ maxQueued: 10 });
    const say = (namespace: string, name: string) =>
      recorder.record(draft({ involved: { ...draft().involved, namespace, name, uid: name } }));
    for (let index = 0; index < 100; index += 1) say('hostile', `pod-${index}`);
    say('shop', 'victim');
    await recorder.flush();
    const written = [...api.objects.keys()];
    expect(written).toHaveLength(6);
    expect(written.findIndex((path) => path.includes('/shop/'))).toBe(5);
  });

  test('onEnd gets whether the event was written', async () => {
    const { recorder, api } = start({ maxQueued: 4 });
    const told: string[] = [];
    const say = (message: string) =>
      recorder.record(draft({ message }), (isWritten) => told.push(`${message} ${isWritten}`));
    for (const message of ['a', 'b', ...Array<string>(23).fill('a'), 'too many for the object']) say(message);
    await recorder.flush();
    expect(told).toHaveLength(26);
    expect([...new Set(told)]).toEqual(['too many for the object false', 'a true', 'b true']);
    api.interfereWith(() => {
      throw new KubeError('denied', 'namespace is being terminated', { status: 403 });
    });
    const other = draft({ involved: { ...draft().involved, uid: 'u2' } });
    recorder.record(other, (isWritten) => told.push(`refused ${isWritten}`));
    await recorder.flush();
    expect(told.at(-1)).toBe('refused false');
  });

  test('temporary failures are tried three times, then dropped without an error', async () => {
    const { recorder, clock, api, methods, events } = start();
    api.interfereWith(() => {
      throw new KubeError('transport', 'down');
    });
    recorder.record(draft());
    recorder.record(draft({ message: 'second' }));
    await clock.advance(60_000);
    await recorder.flush();
    expect(methods()).toHaveLength(6);
    api.interfereWith(() => undefined);
    recorder.record(draft());
    await recorder.flush();
    expect(events()).toHaveLength(1);
  });

  test('a refusal is final', async () => {
    const { recorder, api, methods } = start();
    api.interfereWith(() => {
      throw new KubeError('denied', 'namespace is being terminated', { status: 403 });
    });
    recorder.record(draft());
    await recorder.flush();
    expect(methods()).toEqual(['POST']);
  });

  test('settled waits for the request that is under way, not for waiting events or a retry', async () => {
    const { recorder, api, clock } = start();
    const response = Promise.withResolvers<undefined>();
    api.interfereWith(async () => {
      await response.promise;
      throw new KubeError('throttled', 'slow', { retryAfterMs: 60_000 });
    });
    recorder.record(draft());
    recorder.record(draft({ message: 'another' }));
    let isSettled = false;
    await clock.advance(0);
    const settled = recorder.settled().then(() => (isSettled = true));
    await clock.advance(1_000);
    expect([isSettled, api.requests.length]).toEqual([false, 1]);
    response.resolve(undefined);
    await settled;
    expect(api.requests).toHaveLength(1);
  });

  test('flush resolves without waiting events', async () => {
    await start().recorder.flush();
  });

  describe('recorded by a leader', () => {
    test('an event that waits at the end of its term is dropped silently: another leader records it', async () => {
      const { recorder, api, methods } = start();
      const told: string[] = [];
      let isLeader = true;
      api.interfereWith(({ body }) => {
        // The process was suspended while the second one was being sent.
        if (JSON.stringify(body).includes('second')) isLeader = false;
      });
      for (const message of ['first', 'second', 'third', 'fourth'])
        recorder.record(
          draft({ message }),
          (isWritten) => told.push(`${message} ${isWritten}`),
          () => isLeader,
        );
      await recorder.flush();
      expect(methods()).toEqual(['POST', 'POST']);
      expect(told).toEqual(['first true', 'second true', 'third false', 'fourth false']);
    });

    test('nothing is retried, counted or created again after the term', async () => {
      const lines: unknown[] = [];
      const log = {
        warn: (...line: unknown[]) => lines.push(line),
        debug: () => undefined,
      } as unknown as Log;
      const failures: readonly KubeErrorCode[] = ['unavailable', 'not-found', 'already-exists'];
      for (const code of failures) {
        const { recorder, api, clock } = start({ log });
        let isLeader = true;
        const record = () => recorder.record(draft(), undefined, () => isLeader);
        if (code === 'not-found') {
          record();
          await recorder.flush();
        }
        api.interfereWith(() => {
          isLeader = false;
          throw new KubeError(code, 'no');
        });
        const before = api.requests.length;
        record();
        const flushed = recorder.flush();
        await clock.advance(60_000);
        await flushed;
        expect(api.requests.length - before).toBe(1);
      }
      expect(lines).toEqual([]);
    });

    test('is written in the next term of the same process if recorded again', async () => {
      const { recorder, events } = start();
      recorder.record(draft(), undefined, () => false);
      recorder.record(draft(), undefined, () => true);
      recorder.record(draft({ message: 'told in the first term alone' }), undefined, () => false);
      await recorder.flush();
      expect(events()).toMatchObject([{ message: draft().message }]);
    });
  });
});
