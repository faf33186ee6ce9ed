// The redirect room on real kernels: namespaces of their own, real nft and iptables, no way out.
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { afterEach, describe, expect, it } from 'vitest';
import { assembleRedirect } from '../src/redirect/assemble.ts';
import { installRedirect, uninstallRedirect } from '../src/redirect/commands.ts';
import type { Redirect } from '../src/redirect/installer.ts';
import { createWorld, listen, metadata, whyNoNamespaces, type World } from './redirect/namespaces.ts';

const skipped = whyNoNamespaces();
if (skipped !== undefined) console.warn(`redirect.kernel.test.ts is skipped: ${skipped}`);

const target = { metadata, listen };
const worlds: World[] = [];
const lines: string[] = [];
const log = createLog({
  component: 'nmi',
  level: 'debug',
  destination: { write: (line) => lines.push(line) },
});
afterEach(async () => {
  lines.length = 0;
  await Promise.all(worlds.splice(0).map((world) => world.end()));
});

type By = 'auto' | 'nftables' | 'iptables';
const open = (imds: 'beyond the node' | 'on the node') => {
  const world = createWorld(imds);
  worlds.push(world);
  return world;
};
const doors = ({ run, files }: World) => ({ run, files, clock: systemClock, log });
const firewall = (by: By, cutsOldConnections = false) => ({ by, everyMs: 5_000, cutsOldConnections });
const redirectOf = (world: World, by: By, cuts?: boolean): Redirect =>
  assembleRedirect(target, firewall(by, cuts), doors(world));
const install = async (world: World, by: By) => {
  expect(await installRedirect({ ...target, firewall: firewall(by) }, doors(world)), lines.join('')).toBe(0);
};
const ours = (answer: string) => expect(answer).toBe('pod-identity-nmi 10.9.0.2');
const refused = (answer: string) => expect(['ECONNREFUSED', 'ECONNRESET']).toContain(answer);

describe.skipIf(skipped !== undefined)('rules of the redirect', { timeout: 60_000 }, () => {
  describe.each([
    ['nftables', 'on the node'],
    ['nftables', 'beyond the node'],
    ['iptables', 'on the node'],
    ['iptables', 'beyond the node'],
  ] as const)('of %s, the metadata service %s', (by, place) => {
    it('W-S3: a pod reaches the agent; where no agent is, it is refused; an old connection is cut', async () => {
      const world = open(place);
      const [, old, pod, agent] = [
        await world.serve('IMDS'),
        await world.caller(),
        await world.caller(),
        await world.serve('pod-identity-nmi'),
      ];
      expect(await old.say('new')).toMatch(/^IMDS /);
      await install(world, by);
      ours(await pod.say('new'));
      ours(await pod.say('again'));
      refused(await old.say('again'));
      ours(await old.say('new'));
      await agent.kill();
      refused(await pod.say('new'));
    });
  });
});
