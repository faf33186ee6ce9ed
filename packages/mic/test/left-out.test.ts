// A namespace over its share: left out objects are reported to their owners, on the objects and on waiting pods, and to no others.
import { afterEach, expect, test } from 'vitest';
import { setStage, type RunningMic, type Stage } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const crowd = 60;
const share = { namespaceShareBytes: 16 * 1024 };
const named = (n: number) => `id-${n.toString().padStart(2, '0')}`;
const last = named(crowd - 1);
const crowded = { namespace: 'crowded' };

interface Told {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly message: string;
}
const eventsOf = (reason: string): Told[] =>
  stage.sim.kube
    .list('events')
    .filter((event) => event['reason'] === reason)
    .map((event) => ({ ...(event['involvedObject'] as Told), message: String(event['message']) }));
const conditionOf = (plural: string, name: string) => {
  const status = stage.sim.kube.list(plural, 'crowded').find(({ metadata }) => metadata.name === name)?.[
    'status'
  ];
  return (status as { conditions?: { reason: string; message: string }[] } | undefined)?.conditions?.[0];
};

const linesAbout = ({ lines }: RunningMic, text: string) => lines.filter((line) => line.includes(text));

const untilCondition = (identity: string, reason: string) =>
  stage.until(
    () => conditionOf('azureidentities', identity)?.reason === reason,
    `the condition ${reason} of AzureIdentity ${identity}`,
  );

async function crowdIn() {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: ['crowded'] });
  const { town } = stage;
  for (let n = 0; n < crowd; n += 1) await town.identity({ name: named(n), ...crowded });
  await town.identity({ name: 'app' });
  await town.binding({ name: 'app', identity: 'app', selector: 'app' });
  await town.pod({ name: 'other', label: 'app' });
  await town.binding({ name: 'late', identity: last, selector: 'late', ...crowded });
  await town.pod({ name: 'late', label: 'late', ...crowded });
}

test('the pod and the binding say that its identity may be left out; another namespace hears nothing', async () => {
  await crowdIn();
  await stage.startMic(share);
  await stage.until(
    () => eventsOf('IdentityNotFound').some(({ name }) => name === 'late'),
    'the Event IdentityNotFound on the pod late',
  );
  expect(eventsOf('IdentityNotFound').map(({ message }) => message)).toEqual([
    expect.stringContaining(`AzureIdentity crowded/${last} is not valid: it is not there, or left out`),
  ]);
  await stage.allAssigned(1);
  await stage.until(
    () => conditionOf('azureidentitybindings', 'late') !== undefined,
    'a condition of the binding late',
  );
  expect(conditionOf('azureidentitybindings', 'late')?.message).toContain('--namespace-share');
});

test('objects that are left out have an Event and a condition, 16 of the namespace, by the leader alone', async () => {
  await crowdIn();
  const mic = await stage.startMic(share);
  await stage.until(() => eventsOf('LeftOut').length >= 16, '16 Events LeftOut');
  const [one] = eventsOf('LeftOut');
  if (!one) throw new Error('there must be an Event');
  const { metadata } = stage.sim.kube
    .list('azureidentities', 'crowded')
    .find((of) => of.metadata.name === one.name)!;
  expect(one).toMatchObject({ kind: 'AzureIdentity', namespace: 'crowded', uid: metadata.uid });
  expect(one.message).toContain('--namespace-share');
  await untilCondition(one.name, 'LeftOut');
  const standby = await stage.startMic(share);
  await stage.within(standby.controller.view.synced, 'the watches of the standby');
  expect(eventsOf('LeftOut')).toHaveLength(16);
  expect(new Set(eventsOf('LeftOut').map(({ namespace }) => namespace))).toEqual(new Set(['crowded']));
  expect(mic.lines.filter((line) => line.includes('LeftOut'))).toHaveLength(16);
});

test('where the share is raised, the condition is what it would have been', async () => {
  await crowdIn();
  const mic = await stage.startMic(share);
  await stage.until(() => eventsOf('LeftOut').length >= 16, '16 Events LeftOut');
  const [{ name } = { name: '' }] = eventsOf('LeftOut');
  await untilCondition(name, 'LeftOut');
  await mic.stop();
  await stage.startMic();
  await untilCondition(name, 'NotInUse');
  await stage.allAssigned(2);
});

test('a pod whose binding may be left out is told so', async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: ['crowded'] });
  const { town } = stage;
  for (let n = 0; n < crowd; n += 1)
    await town.binding({ name: named(n), identity: named(n), selector: named(n), ...crowded });
  await town.pod({ name: 'late', label: last, ...crowded });
  await town.pod({ name: 'other', label: last });
  await stage.startMic({ ...share, forceNamespaced: true });
  await stage.until(() => eventsOf('IdentityNotFound').length >= 2, 'the Events of both pods');
  const messageTo = (name: string) =>
    eventsOf('IdentityNotFound').find((event) => event.name === name)?.message;
  expect(messageTo('late')).toContain('Or it is left out: its namespace has more AzureIdentityBindings');
  expect(messageTo('other')).not.toContain('left out');
});

test('pods without an identity are told again when their namespace goes over its share, and those of another are not', async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: ['crowded'] });
  const { town } = stage;
  await stage.startMic({ ...share, forceNamespaced: true });
  await town.pod({ name: 'unbound', label: last, ...crowded });
  await town.pod({ name: 'unnamed', label: 'unnamed', ...crowded });
  await town.pod({ name: 'other', label: last });
  await town.binding({ name: 'unnamed', identity: last, selector: 'unnamed', ...crowded });
  const messagesTo = (pod: string) => {
    const told = eventsOf('IdentityNotFound').filter(({ name }) => name === pod);
    return told.map(({ message }) => message).join();
  };
  for (const pod of ['unbound', 'unnamed', 'other'])
    await stage.until(() => messagesTo(pod) !== '', `the Event of the pod ${pod}`);
  expect(messagesTo('unbound') + messagesTo('unnamed')).not.toContain('left out');
  for (let n = 0; n < crowd; n += 1) {
    await town.binding({ name: named(n), identity: named(n), selector: named(n), ...crowded });
    await town.identity({ name: named(n), ...crowded });
  }
  for (const pod of ['unbound', 'unnamed'])
    await stage.until(() => messagesTo(pod).includes('left out'), `a new Event of the pod ${pod}`);
  expect(messagesTo('other')).not.toContain('left out');
});

test('attack: a namespace creates and deletes objects beyond its share without end: it writes few lines and Events about them, and all of another are there', async () => {
  await crowdIn();
  const mic = await stage.startMic(share);
  await stage.until(() => eventsOf('LeftOut').length >= 16, '16 Events LeftOut');
  const { town } = stage;
  const churn = 1_000;
  // Those that MIC has named, so that it names others.
  for (const { name } of eventsOf('LeftOut')) await stage.remove('azureidentities', name, 'crowded');
  for (let n = 0; n < churn; n += 1) {
    if (n > 0) await stage.remove('azureidentities', `zz-${n - 1}`, 'crowded');
    await town.identity({ name: `zz-${n}`, ...crowded });
    if (n % 100 === 0) await town.pod({ name: `other-${n}`, label: 'app' });
    if (n % 100 === 0) await town.pod({ name: `unbound-${n}`, label: 'nothing' });
  }
  await stage.allAssigned(1 + churn / 100);
  const ofOthers = () => eventsOf('IdentityNotFound').filter(({ namespace }) => namespace === 'default');
  await stage.until(() => ofOthers().length === churn / 100, 'the Events of the other namespace');
  expect(linesAbout(mic, 'default/unbound-')).toHaveLength(churn / 100);
  expect(linesAbout(mic, 'LeftOut').length).toBeLessThan(churn / 4);
  expect(eventsOf('LeftOut').length).toBeLessThan(churn / 4);
});
