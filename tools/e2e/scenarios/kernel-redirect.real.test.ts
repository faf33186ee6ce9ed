// Pods' requests to the metadata service on the real kernel: who responds, and what happens to earlier connections.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import { oddRequests } from '../kernel/odd-requests.ts';
import {
  openKernelWorld,
  subjectOf,
  tokenUrl,
  type KernelClient,
  type KernelWorld,
} from '../kernel/world.ts';

describePlaces('redirect', ['fabric', 'loopback'], (layout) => {
  let world: KernelWorld;
  let first: KernelClient;
  let second: KernelClient;
  let stranger: KernelClient;
  const clientIds: Record<string, string> = {};
  const ofMachine = () => `${tokenUrl}&client_id=${clientIds['machine'] ?? ''}`;

  beforeAll(async () => {
    world = await openKernelWorld(layout);
    for (const name of ['first', 'second', 'machine']) clientIds[name] = await world.identity(name);
    first = await world.pod({ name: 'first', label: 'first' });
    second = await world.pod({ name: 'second', label: 'second' });
    stranger = await world.pod({ name: 'stranger' });
  });
  afterAll(() => world.stop());

  test('without NMI any pod gets a token of any identity of the machine', async () => {
    expect(subjectOf(await stranger.get({ url: ofMachine(), over: 'old' }))).toBe(clientIds['machine']);
    expect(await world.bypasses()).toContainEqual({
      source: stranger.address,
      what: expect.stringMatching(/^GET .*client_id=/),
    });
  });

  test('with NMI each pod gets a token of its own identity, and a pod without one gets none', async () => {
    await world.startNmi([
      // The rules must suffice: not every node allows NMI to delete entries of connection tracking.
      '--enable-conntrack-deletion=false',
      // No odd request may be refused only for the rate limit.
      ...['--pod-requests-per-second', '0'],
    ]);
    expect(subjectOf(await first.get())).toBe(clientIds['first']);
    expect(subjectOf(await second.get())).toBe(clientIds['second']);
    expect((await stranger.get({ url: ofMachine() })).status).toBe(400);
    expect((await first.get({ url: ofMachine() })).status).toBe(400);
    expect(await world.bypasses()).toEqual([]);
  });

  test('curl gets a token of its pod’s identity', async () => {
    const printed = await second.curl('--header', 'Metadata: true', tokenUrl);
    expect(JSON.parse(printed)).toMatchObject({ client_id: clientIds['second'] });
  });

  test('W-S7: a program with host network still reaches the machine’s own service', async () => {
    expect(subjectOf(await world.host.get({ url: ofMachine() }))).toBe(clientIds['machine']);
  });

  test('item 16: a connection from before the rules is closed, and its next request does not bypass NMI', async () => {
    const { status, error } = await stranger.get({ url: ofMachine(), over: 'old' });
    // Closed during the request, or before it and opened again, now to NMI.
    expect(error === 'ECONNRESET' || status === 400, `${status} ${error}`).toBe(true);
    expect(await world.bypasses()).toEqual([]);
  });

  test('item 12: no odd request reaches a path of identities at the metadata service, from any sender', async () => {
    await world.cloud.ask('arrivals');
    const answers = await Promise.all(
      oddRequests.map(async ({ text }) => [await stranger.raw(text), await first.raw(text)].join('\n')),
    );
    expect(answers.filter((answer) => answer.includes(clientIds['machine'] ?? '?'))).toEqual([]);
    const arrivals = await world.cloud.ask('arrivals');
    expect(arrivals.filter(({ source }) => !world.network.nodeAddresses.includes(source))).toEqual([]);
    // NMI's own requests, for the pod that may get tokens.
    const own = /^\/metadata\/identity\/oauth2\/token$/;
    const asked = arrivals.map(({ what }) => new URL(what.split(' ')[1] ?? '', 'http://x'));
    const beside = asked.filter(
      ({ pathname, searchParams }) =>
        /identity/i.test(decodeURIComponent(pathname)) &&
        !(own.test(pathname) && searchParams.get('msi_res_id')?.endsWith('/first')),
    );
    expect(beside).toEqual([]);
  });
});
