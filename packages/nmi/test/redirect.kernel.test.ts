// The redirect room on real kernels: namespaces of their own, real nft, and iptables for the rules of others; no way out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { afterEach, describe, expect, it } from 'vitest';
import { assembleRedirect } from '../src/redirect/assemble.ts';
import { installRedirect, uninstallRedirect } from '../src/commands/redirect.ts';
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

const open = (imds: 'beyond the node' | 'on the node') => {
  const world = createWorld(imds);
  worlds.push(world);
  return world;
};
const doors = ({ run, files }: World) => ({ run, files, clock: systemClock, log });
const firewall = (cutsOldConnections = false) => ({ everyMs: 5_000, cutsOldConnections });
const redirectOf = (world: World, cuts?: boolean): Redirect =>
  assembleRedirect(target, firewall(cuts), doors(world));
const install = async (world: World) => {
  expect(await installRedirect({ ...target, firewall: firewall() }, doors(world)), lines.join('')).toBe(0);
};
const uninstall = (world: World) => uninstallRedirect({ ...target, firewall: firewall() }, doors(world));
const ours = (answer: string) => expect(answer).toBe('pod-identity-nmi 10.9.0.2');
const refused = (answer: string) => expect(['ECONNREFUSED', 'ECONNRESET']).toContain(answer);

describe.skipIf(skipped !== undefined)('rules of the redirect', () => {
  describe.each(['on the node', 'beyond the node'] as const)('the metadata service %s', (place) => {
    it('W-S3: a pod reaches the agent; where no agent is, it is refused; an old connection is cut', async () => {
      const world = open(place);
      const [, old, pod, agent] = [
        await world.serve('IMDS'),
        await world.caller(),
        await world.caller(),
        await world.serve('pod-identity-nmi'),
      ];
      expect(await old.say('new')).toMatch(/^IMDS /);
      await install(world);
      ours(await pod.say('new'));
      ours(await pod.say('again'));
      refused(await old.say('again'));
      ours(await old.say('new'));
      await agent.kill();
      refused(await pod.say('new'));
    });

    it('the node itself reaches the metadata service as before, but for the self-test, which tries the way of pods', async () => {
      const world = open(place);
      await world.serve('IMDS');
      await install(world);
      const prober = await world.prober();
      const call = 'curl -s -m 60 -o /dev/null -w %header{server} http://169.254.169.254/';
      expect(world.sh(call)).toBe('IMDS');
      expect(await prober.say('without an agent')).toBe('false');
      const agent = await world.serve('pod-identity-nmi');
      for (const time of ['once', 'and again', 'at once']) expect(await prober.say(time)).toBe('true');
      expect(world.sh(call)).toBe('IMDS');
      await agent.kill();
      expect(await prober.say('without an agent')).toBe('false');
      await world.serve('pod-identity-nmi');
      expect(await uninstall(world)).toBe(0);
      expect(await prober.say('without rules')).toBe('false');
    });

    it('a Service that leads to the metadata service leads nowhere', async () => {
      const world = open(place);
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      world.sh(
        'iptables-nft -t nat -A PREROUTING -d 10.96.0.7 -p tcp --dport 80 -j DNAT --to-destination 169.254.169.254:80',
      );
      const pod = await world.caller({ host: '10.96.0.7', port: 80 });
      expect(await pod.say('new')).toMatch(/^IMDS /);
      await install(world);
      refused(await pod.say('new'));
    });
  });

  describe('of nftables', () => {
    it('are put right by one look, whatever was done to them; until then pods are refused where a rule is left', async () => {
      const world = open('on the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      const [pod, redirect] = [await world.caller(), redirectOf(world)];
      await redirect.check();
      const harms = [
        'nft flush ruleset',
        'nft flush chain ip aad_pod_identity metadata',
        'nft flush table ip aad_pod_identity',
        'nft delete chain ip aad_pod_identity forward',
        'nft insert rule ip aad_pod_identity prerouting accept',
      ];
      for (const harm of harms) {
        world.sh(harm);
        await redirect.check();
        ours(await pod.say('new'));
      }
      world.sh('nft flush chain ip aad_pod_identity metadata');
      refused(await pod.say('new'));
      expect(lines.filter((line) => line.includes('put right'))).toHaveLength(harms.length);
    });

    it('a connection that was led to the agent outlives repairs', async () => {
      const world = open('on the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      const [pod, old, redirect] = [await world.caller(), await world.caller(), redirectOf(world, true)];
      expect(await old.say('new')).toMatch(/^IMDS /);
      const remembered = () => world.sh('conntrack -L -p tcp --orig-dst 169.254.169.254 2>/dev/null');
      expect(remembered()).toContain('ESTABLISHED');
      await redirect.check();
      expect(remembered()).toBe('');
      ours(await pod.say('new'));
      world.sh('nft flush ruleset');
      await redirect.check();
      ours(await pod.say('again'));
      refused(await old.say('again'));
    });

    it('W-S3: no call is lost and none gets past while the rules are written again and again', async () => {
      const world = open('beyond the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      await install(world);
      const hammer = await world.hammer();
      await hammer.say('start');
      for (let time = 0; time < 10; time += 1) await install(world);
      const counts = JSON.parse(await hammer.say('stop')) as Record<string, number>;
      expect(Object.keys(counts)).toEqual(['pod-identity-nmi']);
    });

    it('W-S3: nothing gets past while another program empties the firewall; without the routing rules it would', async () => {
      const world = open('beyond the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      const [pod, redirect] = [await world.caller(), redirectOf(world, true)];
      const empty = () => world.sh('nft flush ruleset');
      await redirect.check();
      empty();
      expect(await pod.say('new')).toBe('EHOSTUNREACH');
      expect(await pod.say('new')).toBe('EHOSTUNREACH');
      await redirect.check();
      ours(await pod.say('new'));

      const hammer = await world.hammer();
      await hammer.say('start');
      for (let time = 0; time < 5; time += 1) {
        empty();
        // The node itself is spared. Its call takes longer than those of the pod, of which many come meanwhile.
        expect(world.sh('curl -s -m 60 -o /dev/null -w %header{server} http://169.254.169.254/')).toBe(
          'IMDS',
        );
        await redirect.check();
      }
      const counts = JSON.parse(await hammer.say('stop')) as Record<string, number>;
      expect(counts['pod-identity-nmi']).toBeGreaterThan(0);
      expect(counts['IMDS']).toBeUndefined();
      empty();
      world.sh('ip rule del pref 58');
      expect(await pod.say('new')).toMatch(/^IMDS /);
    });

    it('routing rules: put there again, never twice, and gone after uninstall-redirect', async () => {
      const world = open('beyond the node');
      const before = world.sh('ip rule');
      await install(world);
      const installed = world.sh('ip rule');
      expect(installed).toContain('to 169.254.169.254 fwmark 0/0x1000 ipproto tcp dport 80 prohibit');
      // Else systemd-networkd would take them away.
      expect(world.sh('ip -d rule').match(/^5[789]:.*proto kernel/gm)).toHaveLength(3);
      world.sh('ip rule del pref 57; ip rule del pref 58');
      await install(world);
      await install(world);
      expect(world.sh('ip rule')).toBe(installed);
      expect(await uninstall(world)).toBe(0);
      expect(world.sh('ip rule')).toBe(before);
      expect(world.sh('iptables-save; nft list tables')).not.toMatch(/aad[-_]/);
    });

    it('the self-test recovers at once from rules that went while it was made, and does not reach the service while they are there', async () => {
      const world = open('beyond the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      const [prober, redirect] = [await world.prober(), redirectOf(world, true)];
      await redirect.check();
      expect(await prober.say('led')).toBe('true');
      for (let time = 0; time < 5; time += 1) {
        world.sh('nft flush table ip aad_pod_identity');
        expect(await prober.say('around the rules')).toBe('false');
        await redirect.check();
        expect(await prober.say('led again')).toBe('true');
      }
      // What is left of the rules refuses it.
      world.sh('nft flush chain ip aad_pod_identity metadata');
      const call =
        'curl -s -m 3 -o /dev/null -w %{http_code} --local-port 2578 http://169.254.169.254/ || true';
      expect(world.sh(call)).toBe('000');
      await redirect.check();
      expect(await prober.say('led again')).toBe('true');
    });

    it('the loopback addresses of the node stay its own (CVE-2020-8558)', async () => {
      const world = open('on the node');
      const secret = { host: '127.0.0.1', port: 10_000 };
      await Promise.all([world.serve('SECRET', secret), world.serve('pod-identity-nmi')]);
      world.letPodTryLoopback();
      const [attacker, other] = [await world.caller(secret), await world.caller(secret)];
      world.sh('sysctl -qw net.ipv4.conf.all.route_localnet=1');
      for (const each of [attacker, other]) expect(await each.say('new')).toMatch(/^SECRET /);
      await install(world);
      expect(await Promise.all([attacker.say('again'), other.say('new')])).toEqual(['TIMEOUT', 'TIMEOUT']);
      ours(await (await world.caller()).say('new'));
    });
  });

  it('routing rules are made and known again by an image without /etc/protocols', async () => {
    const world = open('beyond the node');
    // Each program on the node has mounts of its own.
    const hide = 'mount --bind /dev/null /etc/protocols; exec "$@"';
    const run: World['run'] = (program, args, input) =>
      world.run('sh', ['-c', hide, 'sh', program, ...args], input);
    const there = assembleRedirect(target, firewall(), { ...doors(world), run });
    await there.check();
    await there.check();
    expect(world.sh('ip rule')).toContain('prohibit');
    await redirectOf(world).check();
    expect(lines.filter((line) => line.includes('routing'))).toHaveLength(1);
  });

  it.each([
    { started: 'before', program: 'iptables-nft' },
    { started: 'after', program: 'iptables-nft' },
    { started: 'before', program: 'iptables-legacy' },
    { started: 'after', program: 'iptables-legacy' },
  ] as const)(
    'the original, started $started ours with $program, takes its rules away when it ends; calls go on being led here',
    async ({ started, program }) => {
      const world = open('beyond the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      if (started === 'before') world.sh(original(program));
      const redirect = redirectOf(world);
      await redirect.check();
      if (started === 'after') world.sh(original(program));
      const [hammer, pod] = [await world.hammer(), await world.caller()];
      await hammer.say('start');
      ours(await pod.say('new'));
      world.sh(originalsEnd(program));
      ours(await pod.say('new'));
      const counts = JSON.parse(await hammer.say('stop')) as Record<string, number>;
      expect(Object.keys(counts)).toEqual(['pod-identity-nmi']);
      await redirect.check();
      expect(lines.filter((line) => line.includes('put right'))).toEqual([]);
    },
  );

  it.each(['aad-metadata', 'aad-pod-identity'])(
    'W-S3: rules in iptables, in the chain %s of the original or of an earlier version, go once ours are there; no call is lost',
    async (chain) => {
      const world = open('beyond the node');
      await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
      const all = () => world.sh('iptables -t nat -S; iptables -S; iptables -t mangle -S');
      world.sh('iptables -t nat -N KUBE-SERVICES; iptables -t nat -A PREROUTING -j KUBE-SERVICES');
      const before = all();
      await world.run('iptables-restore', ['--noflush'], earlierRules(chain));
      const hammer = await world.hammer();
      await hammer.say('start');
      // The image has none of the plug-ins of iptables, by which nft prints what iptables wrote.
      const run: World['run'] = (program, args, input) =>
        world.run('env', ['XTABLES_LIBDIR=/nonexistent', program, ...args], input);
      await assembleRedirect(target, firewall(), { ...doors(world), run }).check();
      const counts = JSON.parse(await hammer.say('stop')) as Record<string, number>;
      expect(Object.keys(counts)).toEqual(['pod-identity-nmi']);
      expect(all()).toBe(before);
      expect(lines.join('')).toContain('older redirect rules removed');
      // What a version of ours that still runs writes again is left alone, and gone after the removal.
      const redirect = redirectOf(world);
      await redirect.check();
      await world.run('iptables-restore', ['--noflush'], earlierRules(chain));
      await redirect.check();
      expect(all()).toContain(chain);
      expect(await uninstall(world)).toBe(0);
      expect(all()).toBe(before);
    },
  );

  it('E27 with the rules of the original after the installation, gone after uninstall-redirect, which says so', async () => {
    const world = open('on the node');
    const all = () => world.sh('iptables -t nat -S; iptables -S');
    const before = all();
    await install(world);
    world.sh(original('iptables'));
    expect(await uninstall(world)).toBe(0);
    expect(all()).toBe(before);
    expect(world.sh('nft list tables')).not.toContain('aad');
    expect(lines.join('')).toContain('redirect rules removed');
    expect(await uninstall(world)).toBe(0);
    expect(lines.at(-1)).toContain('there were no redirect rules');
  });

  it('rules that the original left in iptables-legacy, which nft does not see, lead no call away; the commands of the documentation remove them', async () => {
    const world = open('beyond the node');
    await Promise.all([world.serve('IMDS'), world.serve('pod-identity-nmi')]);
    // As on most nodes: otherwise packets that are led to a loopback address are dropped.
    world.sh(kubeProxy);
    const before = world.sh('iptables-legacy -t nat -S');
    world.sh(original('iptables-legacy').replace(':2579', ':2580'));
    await install(world);
    ours(await (await world.caller()).say('new'));
    expect(world.sh('iptables-legacy -t nat -S')).toContain('aad-metadata');
    expect(await uninstall(world)).toBe(0);
    refused(await (await world.caller()).say('new'));
    const page = readFileSync(
      join(import.meta.dirname, '../../../docs/administrator/from-the-original.md'),
      'utf8',
    );
    const commands = page.match(/^ *iptables-legacy .* aad-metadata$/gm) ?? [];
    expect(commands).toHaveLength(3);
    world.sh(commands.join('\n'));
    expect(world.sh('iptables-legacy -t nat -S')).toBe(before);
    expect(await (await world.caller()).say('new')).toMatch(/^IMDS /);
  });

  it('uninstall-redirect puts the kernel settings back as they were found, however often NMI started: no pod reaches the loopback addresses of the node afterwards', async () => {
    const world = open('on the node');
    const secret = { host: '127.0.0.1', port: 10_000 };
    await Promise.all([world.serve('SECRET', secret), world.serve('pod-identity-nmi')]);
    world.letPodTryLoopback();
    const found = settings(world);
    for (let time = 0; time < 3; time += 1) await install(world);
    ours(await (await world.caller()).say('new'));
    expect(settings(world)).not.toEqual(found);
    expect(await uninstall(world)).toBe(0);
    expect(settings(world)).toEqual(found);
    expect(await (await world.caller(secret)).say('new')).toBe('TIMEOUT');
    expect(lines.join('')).toContain('kernel settings are as they were before');
  });

  it.each([
    ['before NMI', [kubeProxy, 'sysctl -qw net.ipv4.tcp_migrate_req=1']],
    ['after NMI', []],
  ] as const)(
    'uninstall-redirect leaves what kube-proxy, started %s, or an administrator has set',
    async (_, before) => {
      const world = open('on the node');
      for (const command of before) world.sh(command);
      const { migrate } = settings(world);
      await install(world);
      world.sh(kubeProxy);
      expect(await uninstall(world)).toBe(0);
      expect(settings(world)).toEqual({ localnet: '1', migrate });
    },
  );

  it('NMI that listens elsewhere than before closes the loopback addresses again', async () => {
    const world = open('on the node');
    const secret = { host: '127.0.0.1', port: 10_000 };
    await world.serve('SECRET', secret);
    world.letPodTryLoopback();
    await install(world);
    const elsewhere = { metadata, listen: { host: '10.9.0.1', port: listen.port } };
    expect(await installRedirect({ ...elsewhere, firewall: firewall() }, doors(world))).toBe(0);
    expect(await (await world.caller(secret)).say('new')).toBe('TIMEOUT');
    expect(settings(world).localnet).toBe('0');
  });

  it('two listeners share the port, and no call is lost when the older one closes', async () => {
    const world = open('on the node');
    const [, older] = [await world.serve('IMDS'), await world.serve('pod-identity-nmi')];
    await install(world);
    expect(world.sh('cat /proc/sys/net/ipv4/tcp_migrate_req')).toBe('1\n');
    const hammer = await world.hammer();
    await hammer.say('start');
    await world.serve('pod-identity-nmi');
    await older.say('close');
    const counts = JSON.parse(await hammer.say('stop')) as Record<string, number>;
    expect(Object.keys(counts)).toEqual(['pod-identity-nmi']);
  });
});

const settings = (world: World) => ({
  localnet: world.sh('cat /proc/sys/net/ipv4/conf/all/route_localnet').trim(),
  migrate: world.sh('cat /proc/sys/net/ipv4/tcp_migrate_req').trim(),
});

/** What kube-proxy does at its start, unless it has the mode nftables. */
const kubeProxy =
  'test "$(sysctl -n net.ipv4.conf.all.route_localnet)" = 1 || sysctl -qw net.ipv4.conf.all.route_localnet=1';

/** What the original does at its start, and at each look. */
const original = (program: string) =>
  [
    `${program} -t nat -N aad-metadata 2>/dev/null`,
    `${program} -t nat -F aad-metadata`,
    `${program} -t nat -A aad-metadata ! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:2579`,
    `${program} -t nat -A aad-metadata -j RETURN`,
    `${program} -t nat -C PREROUTING -j aad-metadata 2>/dev/null || ${program} -t nat -I PREROUTING 1 -j aad-metadata`,
  ].join('; ');

/** What it does at SIGTERM. */
const originalsEnd = (program: string) =>
  ['-D PREROUTING -j', '-F', '-X']
    .map((how) => `${program} -t nat ${how} aad-metadata 2>/dev/null || true`)
    .join('; ');

/** For iptables-restore: what earlier versions of ours wrote, under one name and later another. */
const earlierRules = (chain: string) => `*nat
:${chain} - [0:0]
-A ${chain} ! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:2579
-A ${chain} -j RETURN
-I PREROUTING 1 -j ${chain}
-I OUTPUT 1 -d 169.254.169.254/32 -p tcp -m tcp --sport 2578 --dport 80 -j ${chain}
COMMIT
*filter
:${chain} - [0:0]
-A ${chain} -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset
-A ${chain} -s 169.254.169.254/32 -p tcp -m tcp --sport 80 --dport 2578 -j DROP
-A ${chain} -d 127.0.0.0/8 -m conntrack --ctstate DNAT -j RETURN
-A ${chain} -d 127.0.0.0/8 -m conntrack --ctdir REPLY -j RETURN
-A ${chain} -d 127.0.0.0/8 -j DROP
-I INPUT 1 ! -i lo -j ${chain}
-I FORWARD 1 -j ${chain}
-I OUTPUT 1 -d 169.254.169.254/32 -p tcp -m tcp --sport 2578 --dport 80 -j ${chain}
COMMIT
*mangle
:${chain} - [0:0]
-A ${chain} -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -m conntrack ! --ctstate NEW,DNAT -j MARK --set-xmark 0x1000/0x1000
-I PREROUTING 1 ! -i lo -j ${chain}
COMMIT
`;
