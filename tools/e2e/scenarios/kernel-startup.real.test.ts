// The start-up taint and readiness on the real kernel: they depend on the actual path of pods' requests.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import { openKernelWorld, type KernelWorld } from '../kernel/world.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const another = 'node.kubernetes.io/memory-pressure';

describePlaces('start-up', ['fabric'], () => {
  let world: KernelWorld;
  // As in a cluster without MIC.
  const args = ['--startup-taint', key];

  beforeEach(async () => {
    world = await openKernelWorld('fabric');
    for (const each of [another, key]) await world.cloud.ask('taint', { key: each });
  });
  afterEach(() => world.stop());

  test('item 17: without nft the taint stays and /readyz has the reason; with it only this taint is removed', async () => {
    const helpless = world.launchNmi(args, { PATH: '/nonexistent' });
    // The taint has no other reason to stay.
    await helpless.until(/^503 the redirect rules cannot be kept: nft is not there[^\n]*$/);
    expect(await world.cloud.ask('taints')).toEqual([another, key]);
    await helpless.service.stop();

    await world.startNmi(args);
    await world.cloud.ask('untainted', { key });
    expect(await world.cloud.ask('taints')).toEqual([another]);
  });

  test('item 17: while rules of others override ours the taint stays; it is removed when requests reach NMI', async () => {
    const nft = (words: string) => world.network.inNode('nft', ...words.split(' '));
    // Before our rules, and to an address without a server.
    await nft('add table ip foreign');
    await nft('add chain ip foreign output { type nat hook output priority -150 ; }');
    await nft('add rule ip foreign output ip daddr 169.254.169.254 tcp sport 2578 dnat to 10.60.0.254:9');
    const nmi = world.launchNmi(args);
    await nmi.until(/^503 a request to the metadata service from this node does not get here[^\n]*$/);
    expect(nmi.service.lines.some((line) => line.includes('redirect rules installed'))).toBe(true);
    expect(await world.cloud.ask('taints')).toEqual([another, key]);
    await nft('delete table ip foreign');
    await world.cloud.ask('untainted', { key });
    expect(await nmi.readyz()).toBe('200 ready');
  });

  test('attack: while NMI cannot read the cluster, no request of a pod gets to the metadata service, also after the rules were deleted', async () => {
    const nft = (words: string) => world.network.inNode('nft', ...words.split(' '));
    const pod = await world.pod({ name: 'pod', label: 'pod' });
    await nft('add table ip away');
    await nft('add chain ip away output { type filter hook output priority 0 ; }');
    await nft(`add rule ip away output ip daddr ${world.network.cloudAddress} tcp dport != 80 reject`);
    const nmi = world.launchNmi(args);
    await nmi.service.logged('redirect rules installed');
    expect((await pod.get()).error).toBe('ECONNREFUSED');
    const repaired = nmi.repaired(1);
    await nft('delete table ip aad_pod_identity');
    await repaired;
    expect((await pod.get()).error).toBe('ECONNREFUSED');
    expect(await world.bypasses()).toEqual([]);
    await nft('delete table ip away');
    await nmi.until(/^200 ready$/);
  });
});
