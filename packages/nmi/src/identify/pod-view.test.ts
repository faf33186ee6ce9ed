import { expect, it } from 'vitest';
import { parsePod, sinceBoot } from './pod-view.ts';

const object = (over: { spec?: object; status?: object; metadata?: object } = {}) => ({
  metadata: { uid: 'u', namespace: 'shop', name: 'web', labels: { a: 'b' }, ...over.metadata },
  spec: { nodeName: 'node-1', serviceAccountName: 'sa', ...over.spec },
  status: {
    phase: 'Running',
    podIP: '10.0.0.1',
    podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::1' }],
    ...over.status,
  },
});

it('keeps what decisions need, with every address once', () => {
  expect(parsePod(object())).toEqual({
    uid: 'u',
    key: 'shop/web',
    namespace: 'shop',
    name: 'web',
    nodeName: 'node-1',
    addresses: ['10.0.0.1', 'fd00::1'],
    phase: 'Running',
    isEnding: false,
    labels: { a: 'b' },
    serviceAccount: 'sa',
  });
});

it('keeps the labels as one string', () => {
  const labels = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`a${index}`, '']));
  const view = parsePod(object({ metadata: { labels } }));
  for (const kept of [view!, sinceBoot(view!, 1)]) {
    expect(kept.labels).toEqual(labels);
    expect(Object.getOwnPropertyDescriptor(kept, 'labels')?.value).toBeUndefined();
  }
});

it('files a hostNetwork pod under no address: it cannot be told from its node', () => {
  expect(parsePod(object({ spec: { hostNetwork: true } }))?.addresses).toEqual([]);
});

it('the kernel does not show the containers of a pod of another runtime class, or of a static pod, by its uid', () => {
  const isOpaque = (over: object) => parsePod(object(over))?.isOpaque;
  expect(isOpaque({ spec: { runtimeClassName: 'kata' } })).toBe(true);
  expect(isOpaque({ metadata: { annotations: { 'kubernetes.io/config.mirror': 'a' } } })).toBe(true);
  const untrusted = (text: string) => ({
    metadata: { annotations: { 'io.kubernetes.cri.untrusted-workload': text } },
  });
  expect(isOpaque(untrusted('true'))).toBe(true);
  for (const over of [untrusted('false'), { metadata: { annotations: { a: 'b' } } }])
    expect(isOpaque(over)).toBeUndefined();
});

it('whether the containers of a pod share their processes is read', () => {
  const shares = (over: object) => parsePod(object({ spec: over }))?.sharesProcesses;
  expect(shares({ shareProcessNamespace: true })).toBe(true);
  for (const over of [{}, { shareProcessNamespace: false }]) expect(shares(over)).toBeUndefined();
});

it.each([
  ['has a network has the reported addresses', 'True', ['10.0.0.1', 'fd00::1']],
  ['has no network has no address', 'False', []],
])('a pod whose kubelet reports that it %s', (_, status, addresses) => {
  const conditions = [
    { type: 'Ready', status: 'False' },
    { type: 'PodReadyToStartContainers', status },
  ];
  for (const metadata of [{}, { deletionTimestamp: '2026-01-01T00:00:00Z' }])
    expect(parsePod(object({ metadata, status: { conditions } }))?.addresses).toEqual(addresses);
});

const [running, waiting, terminated] = ['running', 'waiting', 'terminated'].map((kind) => ({
  state: { [kind]: {} },
}));
it.each([
  ['of which nothing is reported', {}, true],
  ['whose containers are not started yet', { containerStatuses: [waiting, waiting] }, false],
  ['whose init container runs', { initContainerStatuses: [running], containerStatuses: [waiting] }, true],
  [
    'whose init container has ended',
    { initContainerStatuses: [terminated], containerStatuses: [waiting] },
    false,
  ],
  ['of which one container runs', { containerStatuses: [terminated, running] }, true],
  ['of which all containers have ended', { containerStatuses: [terminated, terminated] }, false],
  [
    'that waits to start its container again',
    { containerStatuses: [{ ...waiting, lastState: { terminated: {} } }] },
    false,
  ],
  [
    'whose ephemeral container runs',
    { containerStatuses: [terminated], ephemeralContainerStatuses: [running] },
    true,
  ],
])('before 1.29: a pod %s (%j) has the reported addresses: %s', (_, status, hasThem) => {
  const conditions = [{ type: 'Ready', status: 'False' }];
  const reported = hasThem ? ['10.0.0.1', 'fd00::1'] : [];
  expect(parsePod(object({ status: { ...status, conditions } }))?.addresses).toEqual(reported);
  // The condition, if there is one, decides alone.
  const network = [...conditions, { type: 'PodReadyToStartContainers', status: 'True' }];
  expect(parsePod(object({ status: { ...status, conditions: network } }))?.addresses).toHaveLength(2);
});

it('knows a pod that is being deleted, and its default identity', () => {
  const annotations = { 'aadpodidentity.k8s.io/default-identity': 'reader' };
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z', annotations };
  expect(parsePod(object({ metadata }))).toMatchObject({ isEnding: true, defaultIdentity: 'reader' });
});

it.each([
  ['of which nothing is said yet', {}, undefined],
  ['that has run to its end', { containerStatuses: [{ state: { terminated: {} } }] }, true],
  [
    'of which one runs on',
    { containerStatuses: [{ state: { terminated: {} } }, { state: { running: {} } }] },
    undefined,
  ],
  [
    'whose sidecar runs on',
    {
      containerStatuses: [{ state: { terminated: {} } }],
      initContainerStatuses: [{ state: { running: {} } }],
    },
    undefined,
  ],
  ['that never ran', { containerStatuses: [{ state: { waiting: {} } }] }, undefined],
  ['of whose container nothing is said', { containerStatuses: [{}] }, undefined],
])('tells when the last container of a pod that ends has stopped: one %s', (_, status, expected) => {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const view = parsePod(object({ metadata, status }));
  expect([view?.isStopped, view?.endsAt]).toEqual([expected, Date.parse('2026-01-01T00:00:00Z')]);
  // A pod that does not end starts its containers again.
  expect(parsePod(object({ status }))?.isStopped).toBeUndefined();
});

it('bears a pod without status, spec or labels', () => {
  expect(parsePod({ metadata: { uid: 'u', namespace: 'n', name: 'p' } })).toMatchObject({
    addresses: [],
    phase: '',
    labels: {},
  });
});

it.each([[undefined], [null], [{}], [{ metadata: { name: 'p', namespace: 'n' } }]])(
  'takes %j for no pod',
  (value) => {
    expect(parsePod(value)).toBeUndefined();
  },
);

const early = '2026-03-01T00:00:00Z';
const boot = '2026-03-01T00:05:00Z';
const late = '2026-03-01T00:10:00Z';
const at = (startedAt: string) => ({ startedAt });
it.each([
  ['of which a container runs since before', { containerStatuses: [{ state: { running: at(early) } }] }, []],
  ['of which one was started since', { containerStatuses: [{ state: { running: at(late) } }] }, ['10.0.0.9']],
  [
    'of which an init container was started since',
    {
      initContainerStatuses: [{ state: { terminated: at(late) } }],
      containerStatuses: [{ state: { running: at(early) } }],
    },
    ['10.0.0.9'],
  ],
  [
    'that crashes again and again since',
    { containerStatuses: [{ state: { waiting: {} }, lastState: { terminated: at(late) } }] },
    ['10.0.0.9'],
  ],
  [
    'that waited to be started already',
    { startTime: early, containerStatuses: [{ state: { waiting: {} } }] },
    [],
  ],
  [
    'that was taken up since',
    { startTime: late, containerStatuses: [{ state: { waiting: {} } }] },
    ['10.0.0.9'],
  ],
  ['of whose containers nothing is said', { startTime: early }, ['10.0.0.9']],
  [
    'of which one was started at that moment',
    { containerStatuses: [{ state: { running: at(boot) } }] },
    ['10.0.0.9'],
  ],
  [
    'of whose only container no time is said',
    { containerStatuses: [{ state: { waiting: {} } }] },
    ['10.0.0.9'],
  ],
  ['of whose only container no state is said', { startTime: early, containerStatuses: [{}] }, []],
  [
    'whose kubelet had no clock yet',
    { containerStatuses: [{ state: { running: at('1970-01-01T00:00:00Z') } }] },
    ['10.0.0.9'],
  ],
])('(d) since the machine was started: of a pod %s', (_, status, addresses) => {
  const conditions = [{ type: 'PodReadyToStartContainers', status: 'True' }];
  const pod = parsePod(object({ status: { podIP: '10.0.0.9', podIPs: [], conditions, ...status } }));
  expect(pod && sinceBoot(pod, Date.parse(boot)).addresses).toEqual(addresses);
  expect(pod && sinceBoot(pod, undefined).addresses).toEqual(['10.0.0.9']);
});

it.each([
  ['as its kubelet wrote it', '2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z')],
  ['not by what is no time', 'soon', undefined],
  ['not before it is said', undefined, undefined],
])('knows when the node accepted the pod: %s', (_, startTime, acceptedAt) => {
  const view = parsePod(object({ status: startTime === undefined ? {} : { startTime } }));
  expect(view?.acceptedAt).toBe(acceptedAt);
  expect(view && 'acceptedAt' in view).toBe(acceptedAt !== undefined);
});
