import type { EventRecorder } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { now, pod } from '../plan/test/builders.ts';
import { line, onPod, warning } from './events.ts';
import { createPublisher } from './publisher.ts';

function setUp() {
  let time = now;
  const log = createFakeLog();
  const events: string[] = [];
  const recorder: EventRecorder = {
    record: ({ reason }) => void events.push(reason),
    flush: () => Promise.resolve(),
    settled: () => Promise.resolve(),
  };
  const publisher = createPublisher({ log, events: recorder, holds: () => true, now: () => time });
  const event = warning('failed', 'write failed', onPod(pod()));
  const report = { ...line('warn', {}, 'write failed'), events: [event] };
  return { publisher, lines: log.lines, events, report, wait: (ms: number) => (time += ms) };
}

test('lines about the steps of one namespace are limited, and leave room for another one; Events have limits of their own', () => {
  const { publisher, lines, events, report, wait } = setUp();
  for (let n = 0; n < 1_000; n += 1) publisher.publishStep('evil', report);
  expect([lines.length, events.length]).toEqual([100, 1_000]);
  publisher.publishStep('shop', report);
  expect(lines).toHaveLength(101);
  wait(1_000);
  for (let n = 0; n < 1_000; n += 1) publisher.publishStep('evil', report);
  expect(lines).toHaveLength(106);
});

test('reports of objects beyond a share are limited with their Events, and leave those of another namespace alone', () => {
  const { publisher, lines, events, wait } = setUp();
  const tell = (namespace: string, count: number) => {
    for (let n = 0; n < count; n += 1)
      publisher.publishLeftOut('AzureIdentity', { key: `${namespace}/id-${n}`, uid: `uid-${n}` });
    return [lines.length, events.length];
  };
  expect(tell('evil', 1_000)).toEqual([64, 64]);
  expect(tell('shop', 16)).toEqual([80, 80]);
  wait(60_000);
  expect(tell('evil', 1_000)).toEqual([92, 92]);
});
