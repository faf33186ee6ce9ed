// The redirect rules on the real kernel: installed without NMI, changed by others, removed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import {
  openKernelWorld,
  subjectOf,
  tokenUrl,
  type KernelClient,
  type KernelNmi,
  type KernelWorld,
} from '../kernel/world.ts';

describePlaces('rules', ['fabric'], () => {
  let world: KernelWorld;
  let first: KernelClient;
  let stranger: KernelClient;
  let machine: string;
  const args = ['--pod-requests-per-second', '0'];
  const asMachine = () => ({ url: `${tokenUrl}&client_id=${machine}` });

  /** All rules, without the empty chains and tables that iptables itself leaves. */
  const rules = async () => {
    const saved = await world.network.inNode('iptables-save');
    const tables = await world.network.inNode('nft', 'list', 'tables');
    const foreign = await world.network.inNode('nft', 'list', 'table', 'ip', 'foreign');
    return [
      ...saved.split('\n').filter((line) => line.startsWith('-A ') || line.includes(' - [')),
      ...tables.split('\n').filter((line) => !/^table ip (nat|filter|mangle)$/.test(line)),
      foreign,
      await world.network.inNode('ip', 'rule'),
    ];
  };

  beforeAll(async () => {
    world = await openKernelWorld('fabric');
    await world.identity('first');
    machine = await world.identity('machine');
    first = await world.pod({ name: 'first', label: 'first' });
    stranger = await world.pod({ name: 'stranger' });
    for (const command of [
      'nft add table ip foreign',
      'nft add chain ip foreign prerouting { type nat hook prerouting priority dstnat ; }',
      'nft add rule ip foreign prerouting ip daddr 10.96.0.1 tcp dport 443 dnat to 10.60.0.254:6443',
      'iptables -t nat -N FOREIGN',
      'iptables -t nat -A PREROUTING -j FOREIGN',
      'iptables -A FORWARD -s 192.0.2.1 -j DROP',
    ]) {
      const [program = '', ...rest] = command.split(' ');
      await world.network.inNode(program, ...rest);
    }
  });
  afterAll(() => world.stop());

  test('item 15: install-redirect without a server: requests of pods are refused', async () => {
    expect(subjectOf(await stranger.get(asMachine()))).toBe(machine);
    const installed = await world.command('install-redirect');
    expect(installed.exitCode, installed.lines.join('\n')).toBe(0);
    await world.bypasses();
    expect(subjectOf(await stranger.get(asMachine()))).toBe('ECONNREFUSED');
    expect(subjectOf(await first.get())).toBe('ECONNREFUSED');
    expect(await world.bypasses()).toEqual([]);
  });

  test('E27 uninstall-redirect removes all of our rules, and only those', async () => {
    // The test before installed ours; the rules of others are those that are left without ours.
    const foreign = (await rules()).map(withoutRoutingRules).filter((line) => !/aad[-_]/.test(line));
    expect(await rules()).not.toEqual(foreign);
    const removed = await world.command('uninstall-redirect');
    expect(removed.exitCode, removed.lines.join('\n')).toBe(0);
    expect(await rules()).toEqual(foreign);
    const all = await world.network.inNode('nft', 'list', 'ruleset');
    expect(all).not.toMatch(/aad[-_]|169\.254|2579/);
    expect(subjectOf(await stranger.get(asMachine()))).toBe(machine);
  });

  describe('while NMI runs', () => {
    let nmi: KernelNmi;
    let repairs = 0;
    beforeAll(async () => {
      nmi = await world.startNmi(args);
    });
    afterAll(() => nmi.service.stop());

    test('item 15: a rule of others before ours in our own table is repaired, and requests are refused until then', async () => {
      await world.bypasses();
      const loads = await Promise.all([
        stranger.load(asMachine()),
        stranger.load({ ...asMachine(), keepAlive: true }),
      ]);
      for (const load of loads) await load.more(20, '400');
      await world.network.inNode('nft', 'insert', 'rule', 'ip', 'aad_pod_identity', 'prerouting', 'accept');
      repairs += 1;
      await nmi.repaired(repairs);
      for (const load of loads) await load.more(20, '400');
      await Promise.all(loads.map((load) => load.stop()));
      expect(await world.bypasses()).toEqual([]);
      expect(subjectOf(await first.get())).not.toMatch(/^\d+$|^E/);
    });

    test('item 15: nft flush ruleset is repaired, and until then no request of a pod gets a token of the machine', async () => {
      await world.bypasses();
      const loads = await Promise.all([
        stranger.load(asMachine()),
        stranger.load({ ...asMachine(), keepAlive: true }),
      ]);
      for (const load of loads) await load.more(20, '400');
      await world.network.inNode('nft', 'flush', 'ruleset');
      repairs += 1;
      await nmi.repaired(repairs);
      // Until then a routing rule refuses what is no longer redirected to NMI.
      for (const load of loads) await load.more(100, '400');
      await Promise.all(loads.map((load) => load.stop()));
      expect(await world.bypasses()).toEqual([]);
    });
  });
});

/** For the output of `ip rule`; any other text is returned unchanged. */
function withoutRoutingRules(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^5[789]:/.test(line))
    .join('\n');
}
