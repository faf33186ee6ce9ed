// A pod can end its own sandbox (`kill 1` with shareProcessNamespace). Its address is free then. Its kubelet reports the old one until the
// images of the new sandbox are pulled, which takes as long as the registry that the pod names.
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { connection, nothingKnown, patient } from '../../test/builders.ts';
import { createCallerFinder } from './find-caller.ts';
import { parsePod, type PodView } from './pod-view.ts';

const address = '10.0.0.5';
const podOf = (namespace: string, status: object): PodView => {
  const metadata = { uid: `uid-${namespace}`, namespace, name: 'web' };
  const pod = parsePod({
    metadata,
    spec: { nodeName: 'node-1', serviceAccountName: 'web' },
    status: { phase: 'Running', ...status },
  });
  return pod!;
};
/** @param later What the watch reports after a second. */
const find = async (reported: readonly PodView[], later = reported) => {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  let [pods, revision] = [reported, 1];
  clock.after(1_000, () => {
    [pods, revision] = [later, 2];
    for (const listener of [...listeners]) listener();
  });
  const finder = createCallerFinder({
    clock,
    check: { ageMs: 1_000, outageMs: 900_000 },
    holdMs: 2_000,
    patienceMs: 6_000,
    neighbours: nothingKnown,
    containers: { of: () => 'running' },
    pods: {
      filedUnder: (asked) => pods.filter(({ addresses }) => addresses.includes(asked)),
      get revision() {
        return revision;
      },
      othersAwait: () => false,
      isCurrent: () => true,
      lastHeardMs: () => 0,
      missedMs: () => 0,
      read: ({ namespace }) => Promise.resolve(pods.filter((each) => each.namespace === namespace)),
      readAll: () => Promise.resolve(pods),
      changes: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
  });
  const found = Promise.resolve(finder.find(address, connection(clock.elapsed()), patient));
  await clock.advance(3_000);
  return found;
};

const pulling = { state: { waiting: { reason: 'ImagePullBackOff' } }, lastState: { terminated: {} } };
const hostiles = {
  'since 1.29': podOf('hostile', {
    podIP: address,
    conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }],
    containerStatuses: [{ state: { terminated: {} } }],
  }),
  'before 1.29': podOf('hostile', {
    podIP: address,
    conditions: [{ type: 'ContainersReady', status: 'False' }],
    initContainerStatuses: [{ state: { terminated: {} } }],
    containerStatuses: [pulling, pulling],
    ephemeralContainerStatuses: [{ state: { terminated: {} } }],
  }),
};

describe.each(Object.entries(hostiles))('with a kubelet of a version %s', (_, hostile) => {
  it('the next pod at the address is not taken for it', async () => {
    const unreported = podOf('shop', { phase: 'Pending' });
    await expect(find([hostile, unreported])).resolves.toMatchObject({ kind: 'none' });
  });

  it('the next pod at the address is served as soon as its own is reported', async () => {
    const reported = podOf('shop', { podIP: address, containerStatuses: [{ state: { running: {} } }] });
    await expect(find([hostile, reported])).resolves.toMatchObject({ kind: 'pod', pod: { uid: 'uid-shop' } });
  });
});

it('a container that is started again is served when its kubelet reports it', async () => {
  const crashed = podOf('shop', { podIP: address, containerStatuses: [pulling] });
  const running = podOf('shop', { podIP: address, containerStatuses: [{ state: { running: {} } }] });
  await expect(find([crashed])).resolves.toMatchObject({ kind: 'none' });
  await expect(find([crashed], [running])).resolves.toMatchObject({ kind: 'pod', pod: { uid: 'uid-shop' } });
});
