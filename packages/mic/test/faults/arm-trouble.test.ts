// Azure is slow, busy, broken or asks to be left alone.
import { afterEach, describe, expect, test } from 'vitest';
import { identityId, scaleSetId } from '../stage.ts';
import { setScene, type Scene, type SceneOptions } from './scene.ts';

let scene: Scene;
const enter = async (options: SceneOptions = oneHost) => (scene = await setScene(options));
afterEach(() => scene[Symbol.asyncDispose]());

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const set = (name: string) => ({ name, instances: 1 });
const oneHost = { scaleSets: [set('vmss1')] };
const twoHosts = { scaleSets: [set('vmss1'), set('vmss2')] };
const on = (host: string, label = 'app') => ({ name: `${label}-on-${host}`, label, node: `${host}-0` });
const named = (host: string, label = 'app') => `${label}-on-${host}-default-${label}`;

describe('ARM asks to be left alone', () => {
  test.each([
    ['of 60 s', 60, () => '60'],
    ['of 300 s', 300, () => '300'],
    ['as a date in 120 s', 120, () => new Date(scene.clock.now() + 120 * secondMs).toUTCString()],
  ])(
    'item 4 after 429 with a Retry-After %s nothing is asked of that host until then, nor by the next MIC',
    async (_, seconds, retryAfter) => {
      await enter(twoHosts);
      await scene.bind('app');
      const headers = { 'retry-after': retryAfter() };
      const limit = scene.armFault({ method: 'PATCH', path: /vmss1$/i }, { status: 429, body: {}, headers });
      scene.pods([on('vmss1'), on('vmss2')]);
      const first = await scene.startMic();
      await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 1);
      const asked = scene.callsTo('vmss1').length;
      const { at } = scene.callsTo('vmss1').at(-1)!;
      limit.remove();

      await scene.pass(20 * secondMs);
      expect(scene.states()).toEqual([`${named('vmss1')}: Created`, `${named('vmss2')}: Assigned`]);
      await first.stop();
      await scene.startMic();
      await scene.pass(at + (seconds - 2) * secondMs - scene.clock.now());
      expect(scene.callsTo('vmss1')).toHaveLength(asked);
      await scene.until(() => scene.isAllAssigned(2), 10 * secondMs);
      // A date has no parts of a second, and is told before the first PATCH goes out.
      expect(scene.callsTo('vmss1')[asked]!.at - at).toBeGreaterThanOrEqual((seconds - 2) * secondMs);
    },
  );

  test('item 4 a limit of the whole subscription holds its other hosts too, also after a restart, and no other subscription', async () => {
    const { sim, town } = await enter(twoHosts);
    const elsewhere = scaleSetId('vmss3').replace(/[^/]{36}/, '00000000-0000-0000-0000-00000000000b');
    sim.azure.world.addScaleSet({ id: elsewhere, instances: 1 });
    await town.client.request('POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'vmss3-0' },
      spec: { providerID: `azure://${elsewhere}/virtualMachines/0` },
    });
    await scene.bind('app');
    scene.armFault(
      { method: 'PATCH', path: /vmss1$/i },
      {
        status: 429,
        body: { error: { code: 'SubscriptionRequestsThrottled', message: 'Too many requests.' } },
        headers: { 'retry-after': '60' },
      },
      1,
    );
    scene.pods([on('vmss1')]);
    const first = await scene.startMic();
    await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 1);
    scene.pods([on('vmss3')]);
    await scene.pass(28 * secondMs);
    expect(scene.states()).toContain(`${named('vmss3')}: Assigned`);
    await first.stop();
    await scene.startMic();
    scene.pods([on('vmss2')]);
    await scene.pass(28 * secondMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    expect(scene.callsTo('vmss2')).toEqual([]);
    await scene.until(() => scene.isAllAssigned(3), 20 * secondMs);
  });

  test('a throttled host delays no other: the other is as quick as without it', async () => {
    await enter(twoHosts);
    await scene.bind('app', 'later');
    scene.pods([on('vmss2')]);
    await scene.startMic();
    const alone = await scene.until(() => scene.isAllAssigned(1));

    scene.armFault({ path: /vmss1$/i }, { status: 429, body: {}, headers: { 'retry-after': '600' } });
    scene.pods([on('vmss1'), on('vmss2', 'later')]);
    const beside = await scene.until(() => scene.states().includes(`${named('vmss2', 'later')}: Assigned`));
    expect(beside).toBeLessThanOrEqual(alone + secondMs);
    expect(scene.states()).not.toContain(`${named('vmss1')}: Assigned`);
  });
});

describe('a host in motion', () => {
  test('item 5 a scale set that is Updating for 10 minutes gets no PATCH and on average at most one GET in 30 s, whatever changes meanwhile', async () => {
    const { sim } = await enter();
    const labels = Array.from({ length: 20 }, (_, position) => `app${position}`);
    await scene.bind(...labels);
    sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Updating');
    await scene.startMic();
    for (const label of labels) {
      scene.pods([on('vmss1', label)]);
      await scene.pass(30 * secondMs);
    }
    const reads = scene.callsTo('vmss1', 'GET').map(({ at }) => at);
    expect(scene.callsTo('vmss1', 'PATCH')).toEqual([]);
    expect(reads.length).toBeGreaterThan(5);
    expect(reads.length).toBeLessThanOrEqual(20);
    for (const [position, at] of reads.slice(6).entries())
      expect(at - reads[position + 5]!).toBeGreaterThanOrEqual(40 * secondMs);

    sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Succeeded');
    await scene.until(() => scene.isAllAssigned(20), minuteMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
  });

  test.each([1, 3, 6])(
    'an update of somebody else that takes %i s is seen over within 10 s',
    async (held) => {
      const { sim } = await enter();
      await scene.bind('app');
      sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Updating');
      scene.pods([on('vmss1')]);
      await scene.startMic();
      await scene.until(() => scene.callsTo('vmss1', 'GET').length > 0);
      await scene.pass(held * secondMs);
      sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Succeeded');
      await scene.until(() => scene.isAllAssigned(1), 10 * secondMs);
    },
  );

  test('an operation that never ends is given up after a bounded time, and concerns that host only', async () => {
    const { sim } = await enter({
      ...twoHosts,
      azure: { armLatencyMs: ({ hostId }) => (/vmss1$/i.test(hostId) ? 1e9 : 5 * secondMs) },
    });
    await scene.bind('app', 'later');
    scene.pods([on('vmss1'), on('vmss2')]);
    await scene.startMic();
    await scene.until(() => scene.states().includes(`${named('vmss2')}: Assigned`), 20 * secondMs);
    await scene.pass(20 * minuteMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    const reads = scene.callsTo('vmss1', 'GET');
    expect(reads.length).toBeLessThan(2 * 20);
    expect(reads.length).toBeGreaterThan(5);
    scene.pods([on('vmss2', 'later')]);
    await scene.until(() => scene.states().includes(`${named('vmss2', 'later')}: Assigned`), 20 * secondMs);

    sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Succeeded');
    await scene.until(() => scene.isAllAssigned(3), minuteMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
  });
});

describe('ARM is ill', () => {
  test('5xx for five minutes: who needs nothing new is served, other hosts are, and the ill one recovers by itself', async () => {
    await enter(twoHosts);
    await scene.bind('app', 'later');
    scene.pods([on('vmss1')]);
    await scene.startMic();
    await scene.until(() => scene.isAllAssigned(1));
    const outage = scene.armFault({ path: /vmss1$/i }, { status: 503, body: '<html>unwell</html>' });
    const before = scene.callsTo('vmss1').length;
    scene.pods([{ ...on('vmss1'), name: 'second' }, on('vmss1', 'later'), on('vmss2', 'later')]);
    await scene.until(
      () =>
        ['second-default-app', named('vmss2', 'later')].every((name) =>
          scene.states().includes(`${name}: Assigned`),
        ),
      20 * secondMs,
    );
    await scene.pass(5 * minuteMs);
    expect(scene.attached('vmss1')).toEqual(['app']);
    // Below ARM's limit for reads of one resource: a burst of 36, and 12 a minute.
    expect(scene.callsTo('vmss1').length - before).toBeLessThan(36 + 5 * 12);
    outage.remove();
    await scene.until(() => scene.isAllAssigned(4), 2 * minuteMs);
  });

  test('a PATCH that was applied and whose answer got lost is found on the host, not sent again', async () => {
    await enter();
    await scene.bind('app');
    const lost = scene.armFault({ method: 'PATCH' }, { loseAnswer: true }, 1);
    scene.pods([on('vmss1')]);
    await scene.startMic();
    await scene.until(() => scene.isAllAssigned(1), minuteMs);
    expect(lost.fired).toBe(1);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    await scene.settle();
    expect(scene.records()).toMatchObject([
      { ours: [{ id: identityId('app').toLowerCase(), confirmed: true }] },
    ]);

    await scene.remove('pods', on('vmss1').name);
    await scene.until(() => scene.attached('vmss1').length === 0, minuteMs);
  });

  test('a PATCH that is never answered at all holds up nobody else, and is looked for after its time', async () => {
    await enter(twoHosts);
    await scene.bind('app');
    const silence = scene.hang(/vmss1$/i, 'PATCH');
    scene.pods([on('vmss1'), on('vmss2')]);
    await scene.startMic();
    await scene.until(() => scene.states().includes(`${named('vmss2')}: Assigned`), 20 * secondMs);
    await scene.pass(30 * secondMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    silence.remove();
    await scene.until(() => scene.isAllAssigned(2), 3 * minuteMs);
  });
});
