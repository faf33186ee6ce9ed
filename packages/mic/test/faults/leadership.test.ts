// Who may write: a lease that is lost, two that think they lead, and a MIC that dies at the worst moment.
import { afterEach, expect, test } from 'vitest';
import { identityId, scaleSetId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async (armLatencyMs = 5_000) =>
  (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 2 }], azure: { armLatencyMs } }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const pod = (name: string, label = name) => ({ name, label, node: 'vmss1-0' });
const writes = { method: /POST|PUT|PATCH|DELETE/ };
/** What MICs wrote to the API server since then, leases left out. */
const writesSince = (mark: number) =>
  scene.sim.kube.journal
    .entries({ since: mark })
    .filter(({ method, path }) => writes.method.test(method) && !path.includes('/leases'))
    .filter(({ userAgent }) => userAgent.startsWith('test/mic'));

test.each([
  ['while a PATCH is under way', 1],
  ['right before the PATCH', 0],
])(
  'item 11 a lease lost %s: nothing is written any more, the process goes on, stands again and finishes the work',
  async (_, patchesBefore) => {
    const { sim } = await enter();
    await scene.bind('app', 'later');
    const mic = await scene.startMic({ elected: true });
    await scene.until(() => mic.controller.term !== undefined);
    sim.azure.world.attach(scaleSetId('vmss1'), identityId('later'));
    const hold = sim.azure.holdOperations();
    scene.pods([pod('app')]);
    if (patchesBefore === 1) await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 1);

    const isolation = sim.kube.faults.add({ match: { path: /\/leases/ }, then: { status: 503 } });
    // In the second case the record of the intent takes so long that the lease has run out by then.
    const slow = sim.kube.faults.add({
      match: { method: 'POST', path: /configmaps/ },
      then: { hang: true },
    });
    if (patchesBefore === 0) scene.leaveOut(/configmaps/);
    await scene.until(() => mic.controller.term === undefined, minuteMs);
    const [mark, patches] = [sim.kube.journal.mark(), scene.callsTo('vmss1', 'PATCH').length];
    expect(patches).toBe(patchesBefore);
    hold.release();
    slow.remove();
    scene.pods([pod('later')]);
    await scene.pass(2 * minuteMs);
    expect(writesSince(mark)).toEqual([]);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(patches);
    // It goes on watching: the next term starts with a warm view.
    expect(mic.controller.index.need(scaleSetId('vmss1').toLowerCase() as never).size).toBe(2);

    isolation.remove();
    await scene.until(() => scene.isAllAssigned(2), 2 * minuteMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    await scene.remove('pods', 'app');
    await scene.until(() => scene.attached('vmss1').join() === 'later', minuteMs);
  },
);

test('item 11 the metrics of a process that lost the lease say so, and count its terms', async () => {
  const { sim } = await enter();
  const mic = await scene.startMic({ elected: true });
  await scene.until(() => mic.controller.term !== undefined);
  expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_leader 1$/m);
  const isolation = sim.kube.faults.add({ match: { path: /\/leases/ }, then: { status: 503 } });
  await scene.until(() => mic.controller.term === undefined, minuteMs);
  expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_leader 0$/m);
  isolation.remove();
  await scene.until(() => mic.controller.term !== undefined, minuteMs);
  expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_new_leader_election_count 2$/m);
});

test.each([
  ['the intent was written down', { path: /configmaps/, method: 'POST' }],
  ['the host was read', { path: /vmss1$/i, method: 'GET' }],
])('item 11 a term that ran out unnoticed while %s: no PATCH, and no write after that', async (_, moment) => {
  const { sim } = await enter();
  await scene.bind('app');
  const mic = await scene.startMic();
  await scene.pass(5_000);
  scene.pods([pod('app')]);
  const journal = moment.method === 'GET' ? sim.azure.journal : sim.kube.journal;
  // The journal tells before the answer is on its way.
  const next = { ...moment, since: journal.mark() };
  const over = journal.next(next).then(() => mic.deposeUnnoticed());
  await scene.until(() => journal.count(next) > 0);
  await over;
  const mark = sim.kube.journal.mark();
  await scene.pass(minuteMs);
  expect(scene.callsTo('vmss1', 'PATCH')).toEqual([]);
  expect(writesSince(mark)).toEqual([]);
});

test.each([
  ['Events', 1, { method: 'POST', path: /\/events$/ }],
  ['assignments', 20, { method: 'POST', path: /azureassignedidentities/ }],
  ['conditions', 1, { method: 'PATCH', path: /azureidentities\/.*\/status$/ }],
])(
  'line 11 a term that ran out unnoticed while it wrote %s: no more is written than was sent already',
  async (_, most, write) => {
    const { sim } = await enter();
    const names = Array.from({ length: 40 }, (_each, at) => `app${at}`);
    await scene.bind(...names);
    for (const name of names) sim.azure.world.attach(scaleSetId('vmss1'), identityId(name));
    const mic = await scene.startMic();
    scene.pods([pod('first', 'app0')]);
    await scene.until(() => scene.isAllAssigned(1), minuteMs);
    await scene.pass(10_000);
    const since = sim.kube.journal.mark();
    scene.pods([...names, 'a', 'b', 'c', 'd'].map((name) => pod(name, name.length > 1 ? name : 'unbound')));
    const over = sim.kube.journal.next({ ...write, since }).then(() => mic.deposeUnnoticed());
    await scene.until(() => sim.kube.journal.count({ ...write, since }) > 0, minuteMs);
    await over;
    await scene.settle();
    const mark = sim.kube.journal.mark();
    await scene.pass(minuteMs);
    expect(writesSince(mark)).toEqual([]);
    expect(sim.kube.journal.count({ ...write, since })).toBeLessThanOrEqual(most);
    expect(mic.lines.filter((line) => line.includes('could not write'))).toEqual([]);
  },
);

test('two leaders for a moment: nothing foreign is taken off, the record stays true, and all ends well', async () => {
  const { sim } = await enter();
  await scene.bind('foreign', 'one', 'two', 'three', 'four');
  sim.azure.world.attach(scaleSetId('vmss1'), identityId('foreign'));
  scene.pods([pod('foreign'), pod('one')]);
  const first = await scene.startMic();
  await scene.until(() => scene.isAllAssigned(2));

  const second = await scene.startMic();
  await scene.until(() => second.controller.term !== undefined);
  // Both act on the same news, at the same time, and again while the other is at it.
  for (const [comes, goes] of [
    ['two', 'foreign'],
    ['three', 'one'],
    ['four', 'two'],
  ] as const) {
    scene.pods([pod(comes)]);
    await scene.remove('pods', goes);
    await scene.pass(7_000);
    expect(scene.attached('vmss1')).toContain('foreign');
  }
  await scene.pass(minuteMs);
  first.depose();
  // They did get into each other's way, and saw it.
  const overtaken = [first, second].map(({ lines }) => lines.some((line) => line.includes('"overtaken"')));
  expect(overtaken).toContain(true);
  await scene.pass(8 * minuteMs, 1_000);

  expect(scene.attached('vmss1')).toEqual(['foreign', 'four', 'three']);
  expect(scene.states()).toEqual(['four-default-four: Assigned', 'three-default-three: Assigned']);
  const [record] = scene.records();
  expect(record?.ours.map(({ id, confirmed }) => [id.split('/').at(-1), confirmed])).toEqual([
    ['four', true],
    ['three', true],
  ]);
  for (const name of ['four', 'three']) await scene.remove('pods', name);
  await scene.pass(2 * minuteMs);
  expect(scene.attached('vmss1')).toEqual(['foreign']);
  expect(scene.records()).toEqual([]);
});

test('a leader that is overtaken in its intent sends no PATCH on the strength of an old record', async () => {
  const { sim } = await enter();
  await scene.bind('one');
  await scene.startMic();
  await scene.settle();
  scene.pods([pod('one')]);
  const slow = sim.kube.faults.add({
    match: { method: 'POST', path: /configmaps/ },
    then: { status: 409 },
    times: 1,
  });
  await scene.until(() => slow.fired === 1);
  expect(scene.callsTo('vmss1', 'PATCH')).toEqual([]);
  await scene.until(() => scene.isAllAssigned(1), minuteMs);
});

test.each([
  ['before the operation ended', 'Updating'],
  ['after it, before it was confirmed', 'Succeeded'],
])('MIC gone %s: the next one takes off what no pod needs any more', async (_, state) => {
  // ARM asks to be polled after 4 s, and ends a little later: there is time in between.
  const { sim } = await enter(4_500);
  const host = () => sim.azure.world.host(scaleSetId('vmss1'));
  await scene.bind('app', 'kept');
  sim.azure.world.attach(scaleSetId('vmss1'), identityId('kept'));
  scene.pods([pod('app')]);
  const mic = await scene.startMic();
  await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 1);
  await scene.until(() => host().provisioningState === state);
  mic.depose();
  await mic.stop();
  expect(scene.records()).toMatchObject([{ ours: [{ confirmed: false }] }]);
  await scene.remove('pods', 'app');
  await scene.pass(20_000);
  expect(scene.attached('vmss1')).toEqual(['app', 'kept']);

  await scene.startMic();
  await scene.until(() => scene.records().length === 0, minuteMs);
  expect(scene.attached('vmss1')).toEqual(['kept']);
  expect(scene.states()).toEqual([]);
});
