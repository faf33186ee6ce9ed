// An address moves from a pod that ends to a new pod while the API server still has the old one, on the real kernel.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import { openKernelWorld, subjectOf, type KernelClient, type KernelWorld } from '../kernel/world.ts';

describePlaces('handover', ['fabric'], (layout) => {
  describe.each(['bridge', 'routed'] as const)('between pods that are connected to the node: %s', (links) => {
    let world: KernelWorld;
    const names = ['old', 'new', 'removed', 'later'];
    const clientIds: Record<string, string> = {};

    beforeAll(async () => {
      world = await openKernelWorld(layout, links);
      for (const name of names) clientIds[name] = await world.identity(name);
      await world.startNmi(['--pod-requests-per-second', '0']);
    });
    afterAll(() => world.stop());

    /** Sends requests over new connections until one has this result; returns all results. */
    const endsUntil = async (caller: KernelClient, end: string): Promise<readonly string[]> => {
      const ends: string[] = [];
      const ask = async () => {
        ends.push(subjectOf(await caller.get()));
        return ends.at(-1);
      };
      await expect.poll(ask, { timeout: 60_000, interval: 100 }).toBe(end);
      return ends;
    };
    /** In the API server it still runs and has its address. */
    const end = async (name: string, { address }: KernelClient) =>
      expect(await world.cloud.ask('end', { name })).toMatchObject({
        metadata: { deletionTimestamp: expect.any(String) },
        status: { phase: 'Running', podIP: address },
      });

    test('the new pod of an address gets no token of the old one, and its own as soon as its status has the address', async () => {
      const old = await world.pod({ name: 'old', label: 'old' });
      expect(subjectOf(await old.get({ over: 'kept' }))).toBe(clientIds['old']);
      const before = await world.neighbourOf(old.address);
      expect(before).toContain(links === 'bridge' ? ' br0 ' : ` ${old.place?.link} `);

      await end('old', old);
      await world.cloud.ask('podWithoutAddress', { name: 'new', label: 'new' });
      // The old pod still runs with its address, and NMI cannot see that here: it is served over its connection, and over no new one.
      const kept = await old.get({ over: 'kept' });
      expect([subjectOf(kept), kept.isReused]).toEqual([clientIds['old'], true]);
      expect(subjectOf(await old.get())).toBe('503');

      const heir = await world.heirOf(old);
      const refused = await endsUntil(heir, '503');
      expect(refused).not.toContain(clientIds['old']);
      const after = await world.neighbourOf(old.address);
      expect(after).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2} \S+ \d+$/);
      expect(after).not.toBe(before);

      await world.cloud.ask('reportAddress', { name: 'new', ip: heir.address });
      expect(await endsUntil(heir, clientIds['new'] ?? '')).not.toContain(clientIds['old']);
    });

    test('a pod that was deleted before its status had an address gets no token of the old one', async () => {
      const old = await world.pod({ name: 'removed', label: 'removed' });
      expect(subjectOf(await old.get())).toBe(clientIds['removed']);
      await end('removed', old);
      expect(subjectOf(await old.get())).toBe(clientIds['removed']);
      // All pods in the API server have an address: only the kernel knows that another one has it.
      const heir = await world.heirOf(old);
      expect(await endsUntil(heir, '503')).not.toContain(clientIds['removed']);

      await world.cloud.ask('podWithoutAddress', { name: 'later', label: 'later' });
      await world.cloud.ask('reportAddress', { name: 'later', ip: heir.address });
      expect(await endsUntil(heir, clientIds['later'] ?? '')).not.toContain(clientIds['removed']);
    });
  });
});
