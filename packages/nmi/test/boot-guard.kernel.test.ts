// A restart of the node, rehearsed on the real kernel: everything that a restart takes is taken, and what the host kept is loaded
// as systemd would, before any NMI runs.
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { afterEach, describe, expect, it } from 'vitest';
import { installRedirect, uninstallRedirect } from '../src/commands/redirect.ts';
import { createWorld, listen, metadata, whyNoNamespaces, type World } from './redirect/namespaces.ts';

const skipped = whyNoNamespaces();
if (skipped !== undefined) console.warn(`boot-guard.kernel.test.ts is skipped: ${skipped}`);
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!canVerify) console.warn('systemd-analyze is not here: the unit of systemd is not verified');

const undo: (() => Promise<unknown>)[] = [];
const lines: string[] = [];
const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
afterEach(async () => {
  lines.length = 0;
  for (const step of undo.splice(0).reverse()) await step();
});

const hostEtc = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nmi-host-etc-'));
  undo.push(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'systemd/system'), { recursive: true });
  return folder;
};
const firewall = { everyMs: 5_000, cutsOldConnections: false } as const;
const settings = (etc: string) => ({ metadata, listen, firewall, persist: true, hostEtc: etc });
const doors = ({ run, files }: World) => ({ run, files, clock: systemClock, log });
const open = async (place: 'beyond the node' | 'on the node') => {
  const world = createWorld(place);
  undo.push(() => world.end());
  const etc = await hostEtc();
  expect(await installRedirect(settings(etc), doors(world)), lines.join('')).toBe(0);
  return { world, etc };
};
/** What no restart leaves. */
const restart = (world: World) =>
  world.sh(
    'nft flush ruleset; for p in 57 58 59; do ip rule del pref $p; done; echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet',
  );
/** The host's programs: the guard must do with what there is. */
const hostWith = async (...programs: readonly string[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'nmi-host-bin-'));
  undo.push(() => rm(folder, { recursive: true }));
  for (const name of ['grep', ...programs]) {
    const { stdout } = await promisify(execFile)('sh', ['-c', `command -v ${name}`]);
    await symlink(stdout.trim(), join(folder, name));
  }
  return folder;
};
const boot = (world: World, etc: string, path: string) =>
  world.sh(`PATH=${path} /bin/sh ${etc}/aad-pod-identity/guard 2>&1 || echo "failed with $?"`);

describe.skipIf(skipped !== undefined)('after a restart of the node, before NMI runs', () => {
  const nft = ['nft'];
  const ip = ['ip'];

  it('without the guard a pod that was bound to the node reaches the metadata service of the machine', async () => {
    const { world } = await open('beyond the node');
    await world.serve('IMDS');
    restart(world);
    const pod = await world.caller();
    expect(await pod.say('new')).toMatch(/^IMDS /);
  });

  it.each([
    ['nft', 'beyond the node', [...nft, ...ip]],
    ['nft, no iproute2', 'on the node', nft],
    ['iproute2 alone', 'beyond the node', ip],
  ] as const)(
    'with %s on the host, the metadata service %s, its call is refused; NMI then answers',
    async (_, place, programs) => {
      const { world, etc } = await open(place);
      await world.serve('IMDS');
      restart(world);
      const path = await hostWith(...programs);
      expect(boot(world, etc, path)).toContain('pods are refused');
      const pod = await world.caller();
      expect(await pod.say('new')).toMatch(/^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|EACCES)$/);
      // As often as somebody restarts it.
      expect(boot(world, etc, path)).toContain('pods are refused');

      await world.serve('pod-identity-nmi');
      expect(await installRedirect(settings(etc), doors(world)), lines.join('')).toBe(0);
      expect(await pod.say('new')).toBe('pod-identity-nmi 10.9.0.2');
    },
  );

  it.each([
    ['what the guard has set', '0', '0'],
    ['not what the host has set before', '1', '1'],
  ])('uninstall-redirect puts back %s', async (_, found, left) => {
    const { world, etc } = await open('on the node');
    restart(world);
    const localnet = '/proc/sys/net/ipv4/conf/all/route_localnet';
    world.sh(`echo ${found} > ${localnet}`);
    boot(world, etc, await hostWith(...nft));
    expect(world.sh(`cat ${localnet}`)).not.toBe('0\n');
    expect(await uninstallRedirect(settings(etc), doors(world)), lines.join('')).toBe(0);
    expect(world.sh(`cat ${localnet}`)).toBe(`${left}\n`);
  });

  it('where nothing takes the rules the guard fails, so that the kubelet, which requires it, does not start', async () => {
    const { world, etc } = await open('beyond the node');
    restart(world);
    expect(boot(world, etc, await hostWith())).toContain('failed with 1');
    expect(
      await readlink(join(etc, 'systemd/system/kubelet.service.requires/aad-pod-identity-guard.service')),
    ).toBe('../aad-pod-identity-guard.service');
  });

  it('uninstall-redirect leaves nothing of it on the host', async () => {
    const { world, etc } = await open('beyond the node');
    await mkdir(join(etc, 'other'));
    expect(await uninstallRedirect(settings(etc), doors(world)), lines.join('')).toBe(0);
    expect((await readdir(etc)).sort()).toEqual(['other', 'systemd']);
    expect(await readdir(join(etc, 'systemd/system'))).toEqual([]);
    expect(await uninstallRedirect(settings(etc), doors(world))).toBe(0);
  });

  it.skipIf(!canVerify)('systemd accepts the unit', async () => {
    const { etc } = await open('beyond the node');
    const unit = join(etc, 'systemd/system/aad-pod-identity-guard.service');
    const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stderr).not.toContain('aad-pod-identity-guard.service');
  });
});

describe('where the host keeps nothing', () => {
  it('--persist fails and says what is missing', async () => {
    const etc = await mkdtemp(join(tmpdir(), 'nmi-host-etc-'));
    undo.push(() => rm(etc, { recursive: true }));
    await writeFile(join(etc, 'systemd'), '');
    const { whyNotKept } = await import('../src/redirect/host-files.ts');
    expect(await whyNotKept(etc)).toContain("needs the host's /etc mounted");
  });
});
