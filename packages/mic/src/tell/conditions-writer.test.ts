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

function setUp(options: { judge?: ConditionsOptions['judge']; fail?: Error } = {}) {
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
    inTurn: (work) => Promise.resolve(work()),
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

test('at most ten are written a second', async () => {
  const { clock, sent, writer } = setUp();
  writer.concern(
    'AzureIdentity',
    Array.from({ length: 50 }, (_, count) => `ns/${count}`),
  );
  await clock.advance(2_000);
  expect(sent.length).toBeLessThanOrEqual(20);
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
  let judged = 0;
  const judge = () => ((judged += 1), [ready]);
  const { clock, sent, writer, lapse, onSend } = setUp({ judge });
  onSend(lapse);
  writer.concern('AzureIdentity', ['ns/a', 'ns/b', 'ns/c']);
  await clock.advance(60_000);
  expect([judged, sent.length, clock.pending]).toEqual([1, 1, 0]);
});

test('a lease that expires while a write waits for its turn prevents that write', async () => {
  const { clock, sent, writer, lapse } = setUp();
  writer.concern(
    'AzureIdentity',
    Array.from({ length: 20 }, (_, count) => `ns/${count}`),
  );
  await clock.advance(1_050);
  lapse();
  await clock.advance(60_000);
  expect(sent).toHaveLength(10);
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
});

const away = new KubeError('unavailable', 'etcd has no leader', { status: 503 });

test('attack: a write that always fails is retried every half a minute, however often the object is edited', async () => {
  const { clock, sent, failing, writer } = setUp();
  failing.set('a', away);
  for (let edits = 0; edits < 10; edits += 1) {
    writer.concern('AzureIdentity', ['ns/a']);
    await clock.advance(2_000);
  }
  expect(sent).toHaveLength(10);
  await clock.advance(600_000);
  expect(sent.length).toBeLessThanOrEqual(30);
  failing.clear();
  await clock.advance(32_000);
  const written = sent.length;
  await clock.advance(3_600_000);
  expect([sent.length, clock.pending]).toEqual([written, 0]);
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
