// NMI is stopped, killed, restarted and replaced while pods send requests, on the real kernel.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import { openKernelWorld, type KernelClient, type KernelLoad, type KernelWorld } from '../kernel/world.ts';

describePlaces('lifetimes', ['fabric'], () => {
  let world: KernelWorld;
  let first: KernelClient;
  let second: KernelClient;
  // The load exceeds the limit of one pod.
  const args = ['--pod-requests-per-second', '0'];

  beforeAll(async () => {
    world = await openKernelWorld('fabric');
    for (const name of ['first', 'second']) await world.identity(name);
    first = await world.pod({ name: 'first', label: 'first' });
    second = await world.pod({ name: 'second', label: 'second' });
  });
  afterAll(() => world.stop());

  /** Requests over new connections from one pod and over kept ones from the other. */
  const startLoads = (): Promise<KernelLoad[]> =>
    Promise.all([first.load({ keepAlive: false }), second.load({ keepAlive: true })]);
  const each = <T>(loads: readonly KernelLoad[], what: (load: KernelLoad) => Promise<T>) =>
    Promise.all(loads.map(what));

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'item 15: after %s requests are refused, after a restart they are served, and none bypasses NMI',
    async (signal) => {
      const before = await world.startNmi(args);
      const loads = await startLoads();
      await each(loads, (load) => load.more(50, '200'));
      await before.service.stop(signal);
      await each(loads, (load) => load.more(50, 'ECONNREFUSED'));
      const after = await world.startNmi(args);
      await each(loads, (load) => load.more(50, '200'));
      const tallies = await each(loads, (load) => load.stop());
      expect(await world.bypasses()).toEqual([]);
      for (const tally of tallies)
        for (const end of Object.keys(tally))
          expect(end).toMatch(/^(200|ECONNREFUSED|ECONNRESET( on a used connection)?)$/);
      await after.service.stop();
    },
  );

  test('W-S3: three upgrades in a row, each NMI started before the end of the old one, lose no request and let none bypass NMI', async () => {
    let nmi = await world.startNmi(args);
    const loads = await startLoads();
    for (let upgrade = 0; upgrade < 3; upgrade += 1) {
      await each(loads, (load) => load.more(100, '200'));
      const next = await world.startNmi(args);
      await each(loads, (load) => load.more(100, '200'));
      await nmi.service.stop();
      nmi = next;
    }
    await each(loads, (load) => load.more(100, '200'));
    const tallies = await each(loads, (load) => load.stop());
    expect(await world.bypasses()).toEqual([]);
    expect(tallies.map((tally) => Object.keys(tally))).toEqual([['200'], ['200']]);
    await nmi.service.stop();
  });
});
