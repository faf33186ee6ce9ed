import { createMetrics } from '@pod-identity/kit/serve';
import { expect, test } from 'vitest';
import { createMeter } from './meter.ts';
import { micMetrics } from './metrics.ts';
import { assignment } from '../plan/test/assignment.ts';
import { assigned, facts, hostOf, idOf, instanceOf, now, pod } from '../plan/test/builders.ts';

function setUp() {
  const time = { now };
  const metrics = createMetrics(micMetrics);
  return { time, meter: createMeter(metrics, () => time.now), text: () => metrics.text() };
}
const written = { outcome: { kind: 'written', resourceVersion: '1' }, ms: 20 } as const;

test('from the scheduling of a pod to its Assigned, only for pods whose start was seen', async () => {
  const { meter, time, text } = setUp();
  meter.pod('shop/web-0', pod({ node: '' }), false);
  time.now += 60_000;
  meter.pod('shop/web-0', pod(), false);
  time.now += 3_000;
  meter.step({ step: { kind: 'create', assignment: assignment() }, state: 'Created', ...written });
  time.now += 4_000;
  meter.step({
    step: { kind: 'delete', why: 'duplicate', current: assigned() },
    state: 'Assigned',
    ...written,
  });
  meter.step({
    step: { kind: 'confirm', assignment: assignment(), current: assigned() },
    state: 'Assigned',
    ...written,
  });
  meter.step({
    step: { kind: 'confirm', assignment: assignment(), current: assigned() },
    state: 'Assigned',
    ...written,
  });
  const lines = await text();
  expect(lines).toContain('aadpodidentity_mic_pod_assigned_duration_seconds_sum 7\n');
  expect(lines).toContain('aadpodidentity_mic_pod_assigned_duration_seconds_count 1\n');
  expect(lines).toContain('aadpodidentity_assigned_identity_addition_count 1\n');
  expect(lines).toContain('aadpodidentity_assigned_identity_update_count 2\n');
});

test.each([
  ['gone', undefined, false],
  ['finished', pod({ phase: 'Succeeded' }), false],
  ['assigned', pod(), true],
])('a pod that is %s waits no longer', async (_how, view, isAssigned) => {
  const { meter, text } = setUp();
  meter.pod('shop/web-0', pod(), false);
  meter.pod('shop/web-0', view, isAssigned);
  meter.step({ step: { kind: 'create', assignment: assignment() }, state: 'Assigned', ...written });
  expect(await text()).toContain('aadpodidentity_mic_pod_assigned_duration_seconds_count 0\n');
});

test.each([
  ['create', 'assigned_identity_addition'],
  ['update', 'assigned_identity_update'],
  ['confirm', 'update_azure_assigned_identity_status'],
  ['delete', 'assigned_identity_deletion'],
] as const)('a %s that failed counts under the name that the original gave it', async (kind, operation) => {
  const { meter, text } = setUp();
  const current = assigned();
  const step =
    kind === 'delete'
      ? ({ kind, current, why: 'unbound' } as const)
      : ({ kind, current, assignment: assignment() } as const);
  meter.step({ step, state: 'Assigned', outcome: { kind: 'failed', message: 'etcd' }, ms: 1 });
  expect(await text()).toContain(
    `aadpodidentity_kubernetes_api_operations_errors_count{operation_type="${operation}"} 1`,
  );
});

test('throttled hosts with their times, and identities that have to wait', async () => {
  const { meter, text } = setUp();
  const [one, two] = ['vmss1', 'vmss2'].map((name) => facts(hostOf(instanceOf(name))));
  const quarantine = { failures: 1, code: 'Unknown', message: '' } as const;
  meter.hosts([
    {
      ...one!,
      notBefore: now + 5_000,
      quarantined: new Map([[idOf('a'), { ...quarantine, until: now + 1 }]]),
    },
    {
      ...two!,
      notBefore: now - 1,
      quarantined: new Map([
        [idOf('a'), { ...quarantine, until: now + 1 }],
        [idOf('b'), { ...quarantine, until: now - 1 }],
      ]),
    },
  ]);
  const lines = await text();
  expect(lines).toContain('aadpodidentity_mic_throttled_hosts 1\n');
  expect(lines).toContain(`aadpodidentity_mic_throttled_until_seconds ${(now + 5_000) / 1000}\n`);
  expect(lines).toContain('aadpodidentity_mic_quarantined_identities 1\n');
});
