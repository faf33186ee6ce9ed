// Processes are killed, and others continue their work.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForToken } from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';
import { identityObjects, isAttached, untilAssigned, untilDetached, untilReleased } from '../objects.ts';
import { describeServers } from '../servers.ts';

describeServers('deaths on $name', ({ start }) => {
  let stage: Stage;
  let stopServer: () => Promise<void>;
  beforeAll(async () => {
    const server = await start();
    stopServer = server.stop;
    stage = await openStage(server.options);
  });
  afterAll(async () => {
    await stage.stop();
    await stopServer();
  });

  test('after a kill of the leading MIC during an attachment and a restart of NMI, all assignments are completed', async () => {
    const leaseArgs = ['--leader-election-duration', '3s', '--detach-grace-period', '0s'];
    await stage.install();
    const mics = [await stage.startMic('1', leaseArgs), await stage.startMic('2', leaseArgs)];
    const leading = await Promise.any(mics.map(async (mic) => (await mic.logged('became leader'), mic)));
    const held = stage.sim.azure.holdOperations();
    const { clientId, id } = names.firstIdentity;
    for (const object of identityObjects({ name: 'shared', id, clientId })) await stage.create(object);
    const since = stage.sim.azure.journal.mark();
    const pod = await stage.runPod({ name: 'patient', node: 0, label: 'shared' });
    const patched = stage.sim.azure.journal.next({ service: 'arm', method: 'PATCH', since });
    await within(60_000, 'a PATCH of the scale set', patched);
    await leading.stop('SIGKILL');
    held.release();
    await untilAssigned(stage.kube, ['patient']);

    const first = await stage.startNmi(0);
    const before = await askForToken((await stage.path(pod, first)).url);
    await first.service.stop('SIGKILL');
    const second = await stage.startNmi(0);
    const after = await askForToken((await stage.path(pod, second)).url);
    expect([before.status, after.status]).toEqual([200, 200]);

    // The new leader knows that MIC attached the identity: it detaches it after the pod was deleted.
    await stage.removePod(pod);
    await untilReleased(stage.kube, 'patient');
    await untilDetached(stage, id);
    expect(isAttached(stage, names.clusterIdentity.id)).toBe(true);
  });
});
