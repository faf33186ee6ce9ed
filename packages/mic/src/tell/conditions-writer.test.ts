import type { Condition } from '@pod-identity/crd-types';
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import * as build from '../plan/test/builders.ts';
import { indexOf, type ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import {
  conditionsOf,
  ConditionsWriter,
  type ConditionedKind,
  type ConditionsOptions,
} from './conditions-writer.ts';
import { createFakeLog } from '../apply/test/fake-log.ts';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Attached',
  message: 'm',
  lastTransitionTime: 't',
};

function setUp(options: { judge?: ConditionsOptions['judge']; perSecond?: number; fail?: Error } = {}) {
  const clock = createFakeClock();
  const sent: KubeRequest[] = [];
  const ending = new AbortController();
  let holds = true;
  let tell: () => void = () => undefined;
  /** Failing writes, by the object's name. */
  const failing = new Map<string, KubeError>();
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    request(request) {
      sent.push(request);
      tell();
      const problem = options.fail ?? failing.get(request.path.split('/').at(-2) ?? '');
      return problem ? Promise.reject(problem) : Promise.resolve({});
    },
  };
  const log = createFakeLog();
  const writer = new ConditionsWriter({
    transport,
    clock,
    log,
    term: { signal: ending.signal, holds: () => holds },
    judge: options.judge ?? (() => [ready]),
    perSecond: options.perSecond ?? 10,
    slices: { run: (work) => Promise.resolve(work()) },
  });
  return {
    clock,
    sent,
    failing,
    writer,
    problems: log.errors,
    lines: log.lines,
    onSend: (listener: () => void) => (tell = listener),
    lapse: () => (holds = false),
    end: () => ending.abort(new Error('the term is over')),
  };
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
  expect(clock.pending).toBe(0);
});

test('many changes of one object cost one judgement and one write', async () => {
  let judged = 0;
  const { clock, sent, writer } = setUp({ judge: () => ((judged += 1), [ready]) });
  for (let count = 0; count < 100; count += 1) writer.concern('AzureIdentityBinding', ['ns/a']);
  expect(clock.pending).toBe(1);
  await clock.advance(10_000);
  expect([judged, sent.length]).toEqual([1, 1]);
});

test('an unchanged condition is not written', async () => {
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

test('an object that is noted while others are written gets its turn as well', async () => {
  const { clock, sent, writer } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(900);
  writer.concern('AzureIdentity', ['ns/b']);
  await clock.advance(200);
  writer.concern('AzureIdentity', ['ns/c']);
  await clock.advance(5_000);
  expect(sent).toHaveLength(3);
});

test('CRDs without the subresource are tolerated', async () => {
  const { clock, sent, writer, problems, lines } = setUp({
    fail: new KubeError('not-found', 'no status', { status: 404 }),
  });
  writer.concern('AzureIdentity', ['ns/a', 'ns/b']);
  await clock.advance(5_000);
  expect(sent).toHaveLength(2);
  expect(problems).toEqual([]);
  expect(lines).toMatchObject([
    { level: 'debug', fields: { kind: 'AzureIdentity', key: 'ns/a', why: 'no status' } },
    { level: 'debug', fields: { kind: 'AzureIdentity', key: 'ns/b', why: 'no status' } },
  ]);
});

test('an error of MIC itself is logged, and later conditions are written', async () => {
  let isBroken = true;
  const bug = new TypeError('bug');
  const { clock, sent, writer, problems } = setUp({
    judge: () => {
      if (isBroken) throw bug;
      return [ready];
    },
  });
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(1_000);
  expect(problems).toEqual([{ error: bug }]);
  isBroken = false;
  writer.concern('AzureIdentity', ['ns/b']);
  await clock.advance(1_000);
  expect(sent).toHaveLength(1);
  const broken = setUp({ fail: bug });
  broken.writer.concern('AzureIdentity', ['ns/a']);
  await broken.clock.advance(1_000);
  expect(broken.problems).toEqual([{ error: bug }]);
});

test('the end of the term is no error', async () => {
  const { clock, writer, problems, end } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  end();
  await clock.advance(5_000);
  expect(problems).toEqual([]);
});

test('a lease that expires during one write prevents further judgements and writes', async () => {
  for (const perSecond of [10, 1]) {
    let judged = 0;
    const judge = () => ((judged += 1), [ready]);
    const { clock, sent, writer, lapse, onSend } = setUp({ perSecond, judge });
    onSend(lapse);
    writer.concern('AzureIdentity', ['ns/a', 'ns/b', 'ns/c']);
    await clock.advance(60_000);
    expect([judged, sent.length, clock.pending]).toEqual([1, 1, 0]);
  }
});

test('after the term nothing is written', async () => {
  const { clock, sent, writer, lapse } = setUp();
  writer.concern('AzureIdentity', ['ns/a']);
  lapse();
  await clock.advance(5_000);
  expect(sent).toEqual([]);
  expect(clock.pending).toBe(0);
});

test('a lease that expires while a write waits for its turn prevents that write', async () => {
  const { clock, sent, writer, lapse } = setUp({ perSecond: 1 });
  writer.concern('AzureIdentity', ['ns/a', 'ns/b']);
  await clock.advance(1_500);
  lapse();
  await clock.advance(60_000);
  expect(sent).toHaveLength(1);
});

describe('what the conditions of an object are to be', () => {
  const at = '2023-11-14T22:13:20Z';
  const attached = build.facts(build.hostOf(build.instanceOf('vmss1')), ['reader']);
  const worldOf = (different: Partial<ClusterSnapshot> = {}) => ({
    index: indexOf(build.snapshot({ pods: [], ...different }), build.rules),
    facts: build.factsMap(attached),
  });
  const reasonOf = (kind: ConditionedKind, different?: Partial<ClusterSnapshot>) => {
    const key = kind === 'AzureIdentity' ? 'default/reader' : 'default/reader-binding';
    return conditionsOf({ kind, key }, worldOf(different), at)?.map(({ reason }) => reason);
  };

  test('of an identity and of a binding, also of invalid ones', () => {
    expect([reasonOf('AzureIdentity'), reasonOf('AzureIdentityBinding')]).toEqual([['NotInUse'], ['Bound']]);
    const identities = [build.identity({ spec: { type: 7 } })];
    const bindings = [build.binding({ selector: '' })];
    expect(reasonOf('AzureIdentity', { identities })).toEqual(['InvalidSpec']);
    expect(reasonOf('AzureIdentityBinding', { bindings })).toEqual(['InvalidSpec']);
  });

  test('nothing if they are unchanged or the object is gone', () => {
    const conditions = conditionsOf({ kind: 'AzureIdentity', key: 'default/reader' }, worldOf(), at);
    expect(
      reasonOf('AzureIdentity', { identities: [build.identity({ status: { conditions } })] }),
    ).toBeUndefined();
    expect(reasonOf('AzureIdentity', { identities: [] })).toBeUndefined();
    expect(reasonOf('AzureIdentityBinding', { bindings: [] })).toBeUndefined();
  });

  test.each([
    ['AzureIdentity', 'default/reader', { identities: [] }],
    ['AzureIdentityBinding', 'default/reader-binding', { bindings: [] }],
  ] as const)('of an %s that is left out: that it is; not where it is known', (kind, key, gone) => {
    const reasonsIn = (different: Partial<ClusterSnapshot>, isLeftOut: boolean) => {
      const world = worldOf(different);
      const has = (its: ConditionedKind, name: string) => isLeftOut && its === kind && name === key;
      world.index.leftOutBy = { of: () => isLeftOut, has };
      return conditionsOf({ kind, key }, world, at)?.map(({ reason }) => reason);
    };
    expect(reasonsIn(gone, true)).toEqual(['LeftOut']);
    expect(reasonsIn(gone, false)).toBeUndefined();
    expect(reasonsIn({}, true)).toEqual([kind === 'AzureIdentity' ? 'NotInUse' : 'Bound']);
  });
});

const away = new KubeError('unavailable', 'etcd has no leader', { status: 503 });

test('a failed write is retried with growing delays until it succeeds', async () => {
  const { clock, sent, failing, writer } = setUp();
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(60_000);
  expect(sent.length).toBeGreaterThanOrEqual(4);
  expect(sent.length).toBeLessThanOrEqual(8);
  await clock.advance(3_600_000);
  expect(sent.length).toBeLessThanOrEqual(25);
  failing.clear();
  await clock.advance(5 * 60_000);
  const written = sent.length;
  await clock.advance(3_600_000);
  expect(sent.length).toBe(written);
});

test('a condition is judged again when its write is retried', async () => {
  let isGone = false;
  const { clock, sent, failing, writer } = setUp({ judge: () => (isGone ? undefined : [ready]) });
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  isGone = true;
  await clock.advance(3_600_000);
  expect(sent).toHaveLength(1);
});

test('an object whose condition cannot be written does not delay others', async () => {
  const { clock, sent, failing, writer } = setUp();
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a', 'ns/b']);
  await clock.advance(1_500);
  expect(sent.map(({ path }) => path.split('/').at(-2))).toEqual(['a', 'b']);
});

test('the first condition of a namespace does not wait for the thousands of another', async () => {
  const { clock, sent, writer } = setUp({ perSecond: 10 });
  writer.concern(
    'AzureIdentityBinding',
    Array.from({ length: 5_000 }, (_, count) => `evil/${count}`),
  );
  await clock.advance(5_000);
  writer.concern('AzureIdentity', ['shop/web']);
  await clock.advance(1_000);
  expect(sent.filter(({ path }) => path.includes('/shop/'))).toHaveLength(1);
});

test('after the term nothing is retried', async () => {
  const { clock, sent, failing, writer, lapse } = setUp();
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  lapse();
  await clock.advance(3_600_000);
  expect(sent).toHaveLength(1);
});

test('delays start from the beginning after a successful write, or when there was nothing to write', async () => {
  let isSaid = false;
  const { clock, sent, failing, writer } = setUp({ judge: () => (isSaid ? undefined : [ready]) });
  const failsFor = async (ms: number) => {
    failing.set('a', away);
    const before = sent.length;
    writer.concern('AzureIdentity', ['ns/a']);
    await clock.advance(ms);
    failing.clear();
    return sent.length - before;
  };
  const first = await failsFor(60_000);
  // Written by the next retry.
  await clock.advance(300_000);
  expect(clock.pending).toBe(0);
  expect(await failsFor(60_000)).toBe(first);
  isSaid = true;
  await clock.advance(300_000);
  isSaid = false;
  expect(await failsFor(60_000)).toBe(first);
});

test('a change of the object is written at once, without a retry of the failed write', async () => {
  const { clock, sent, failing, writer } = setUp();
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  failing.clear();
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  expect([sent.length, clock.pending]).toEqual([2, 0]);
});

test('an object that is gone, or has no status, is retried after an hour', async () => {
  const { clock, sent, failing, writer } = setUp();
  failing.set('a', new KubeError('not-found', 'no such thing', { status: 404 }));
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(3_500_000);
  expect(sent).toHaveLength(1);
  await clock.advance(200_000);
  expect(sent).toHaveLength(2);
});

test('at the end of the term no retry stays pending, also of a write that fails because of it', async () => {
  const { clock, failing, writer, end, onSend, lines } = setUp();
  failing.set('a', away);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  expect(clock.pending).toBe(1);
  failing.set('b', away);
  onSend(end);
  writer.concern('AzureIdentity', ['ns/b']);
  await clock.advance(2_000);
  expect(clock.pending).toBe(0);
  expect(lines.filter(({ message }) => message === 'condition not written')).toHaveLength(1);
});

test('a write that fails after the lease has expired is not retried', async () => {
  const { clock, failing, writer, lapse, onSend, lines } = setUp();
  failing.set('a', away);
  onSend(lapse);
  writer.concern('AzureIdentity', ['ns/a']);
  await clock.advance(2_000);
  expect([clock.pending, lines.length]).toEqual([0, 0]);
});
