import type { Condition } from '@pod-identity/crd-types';
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createConditionsWriter, type JudgeCondition } from './conditions-writer.ts';
import { createFakeLog } from './test/fake-log.ts';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Attached',
  message: 'm',
  lastTransitionTime: 't',
};

function setUp(options: { judge?: JudgeCondition; perSecond?: number; fail?: KubeError } = {}) {
  const clock = createFakeClock();
  const sent: KubeRequest[] = [];
  let holds = true;
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    request(request) {
      sent.push(request);
      return options.fail ? Promise.reject(options.fail) : Promise.resolve({});
    },
  };
  const log = createFakeLog();
  const writer = createConditionsWriter({
    ...{ transport, clock, log },
    term: { signal: new AbortController().signal, holds: () => holds },
    judge: options.judge ?? (() => [ready]),
    perSecond: options.perSecond ?? 10,
  });
  return { clock, sent, writer, problems: log.errors, lapse: () => (holds = false) };
}

test('a condition is a merge patch of the status subresource', async () => {
  const { clock, sent, writer } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(1_000);
  expect(sent).toMatchObject([
    {
      method: 'PATCH',
      path: '/apis/aadpodidentity.k8s.io/v1/namespaces/ns/azureidentities/a/status',
      body: { status: { conditions: [ready] } },
      contentType: 'application/merge-patch+json',
    },
  ]);
});

test('a storm of concerns about one object costs one judgement and one write', async () => {
  let judged = 0;
  const { clock, sent, writer } = setUp({ judge: () => ((judged += 1), [ready]) });
  for (let count = 0; count < 100; count += 1) writer.concern('AzureIdentityBinding', ['ns/a']);
  await clock.advance(10_000);
  expect([judged, sent.length]).toEqual([1, 1]);
});

test('what says so already is not written', async () => {
  const { clock, sent, writer } = setUp({ judge: () => undefined });
  writer.concern('AzureIdentity', ['ns/a', 'ns/b']);
  await clock.advance(10_000);
  expect(sent).toEqual([]);
});

test('writes are limited to so many a second', async () => {
  const { clock, sent, writer } = setUp({ perSecond: 10 });
  writer.concern(
    'AzureIdentity',
    Array.from({ length: 50 }, (_, count) => `ns/${count}`),
  );
  await clock.advance(2_000);
  expect(sent.length).toBeLessThanOrEqual(21);
  await clock.advance(10_000);
  expect(sent).toHaveLength(50);
});

test('what is noted while others are written gets its turn as well', async () => {
  const { clock, sent, writer } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(900);
  writer.concern('AzureIdentity', ['ns/b']);
  await clock.advance(200);
  writer.concern('AzureIdentity', ['ns/c']);
  await clock.advance(5_000);
  expect(sent).toHaveLength(3);
});

test('CRDs without the subresource are no trouble', async () => {
  const { clock, sent, writer, problems } = setUp({
    fail: new KubeError('not-found', 'no status', { status: 404 }),
  });
  writer.concern('AzureIdentity', ['ns/a', 'ns/b']);
  await clock.advance(5_000);
  expect(sent).toHaveLength(2);
  expect(problems).toEqual([]);
});

test('after the term nothing is written', async () => {
  const { clock, sent, writer, lapse } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  lapse();
  await clock.advance(5_000);
  expect(sent).toEqual([]);
});
