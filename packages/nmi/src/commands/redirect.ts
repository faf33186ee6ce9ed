// Room: commands of `nmi` besides the service: `redirect`, `check-ready`, `check-federated`.
// It must not serve requests of pods.
import type { NmiConfig } from '../config/config.ts';
import { allFirewalls, assembleRedirect, type RedirectDoors } from '../redirect/assemble.ts';
import { removal } from '../redirect/choose-firewall.ts';
import { createRouteGuard } from '../redirect/route-guard.ts';
import { guardFiles } from '../redirect/boot-guard.ts';
import { removeGuard, whyNotKept, writeGuard } from '../redirect/host-files.ts';
import { kernelFiles, restoreKernel } from '../redirect/kernel-settings.ts';
import { removePortPins } from '../redirect/port-pins.ts';
import { isBusy, runProgram } from '../redirect/run-program.ts';
import { targetOf, type RedirectTarget } from '../redirect/target.ts';

type Settings = Pick<NmiConfig, 'metadata' | 'listen' | 'firewall'> &
  Partial<Pick<NmiConfig, 'persist' | 'hostEtc'>>;

/** About a minute in all; then the kubelet restarts the container. */
const attempts = 12;
const pauseMs = 5_000;

/** For an init container: from then on pods cannot bypass the agent, which starts later. Returns the exit code. */
export async function installRedirect(config: Settings, doors: RedirectDoors): Promise<number> {
  const { log, clock } = doors;
  const target = targetOf(config);
  if (typeof target === 'string') {
    log.error({}, target);
    return 1;
  }
  const redirect = assembleRedirect(target, config.firewall, doors);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      const problem = await redirect.check();
      // kube-proxy may set it later; until then the agent is not ready and says why.
      if (problem !== undefined) log.warn({}, problem);
      return config.persist === true ? await persist(target, config, doors) : 0;
    } catch (error) {
      log.error({ error, attempt }, 'redirect rules could not be installed');
      if (!isBusy(error)) return 1;
    }
    await clock.sleep(pauseMs);
  }
  return 1;
}

/** For the next start of the node. */
async function persist(target: RedirectTarget, { hostEtc = '' }: Settings, { log }: RedirectDoors) {
  const why = await whyNotKept(hostEtc);
  if (why !== undefined) {
    log.error({}, why);
    return 1;
  }
  await writeGuard(hostEtc, guardFiles(target));
  log.info(
    { folder: hostEtc },
    'the host loads the redirect rules before its kubelet starts, from its next start on',
  );
  return 0;
}

/** Removes all rules of NMI from all firewalls, and puts back kernel settings. Returns the exit code: 1 if some may be left. */
export async function uninstallRedirect(config: Settings, doors: RedirectDoors): Promise<number> {
  const { log } = doors;
  // First: the rules protect the node's loopback addresses, which the settings open.
  const kernel = await restoredKernel(doors);
  // Rules are found by their names; their target does not matter.
  const { nftables, iptables } = allFirewalls(config, doors);
  const results: Awaited<ReturnType<typeof removal>>[] = [];
  const firewalls = [nftables, ...iptables];
  for (const firewall of firewalls) {
    const result = await removal(() => firewall.remove());
    results.push(result);
    if (result === 'removed') log.info({ firewall: firewall.name }, 'redirect rules removed');
    if (result instanceof Error)
      log.error({ error: result, firewall: firewall.name }, 'redirect rules could not be removed');
  }
  const guard = await removal(() => createGuard(config, doors).remove());
  if (guard instanceof Error) log.error({ error: guard }, 'routing rules could not be removed');
  const pins = await removal(() => removePortPins(doors.run ?? runProgram));
  if (pins instanceof Error) log.error({ error: pins }, 'the rules of the ports could not be removed');
  const kept = await removeFromHost(config, doors);
  // Whether the legacy tables are in use is known without the program; this says nothing about the others.
  const others = results.filter((_, at) => firewalls[at]?.name !== 'iptables-legacy');
  if (others.every((result) => result === 'no-program') && !results.includes('removed')) {
    log.error({}, 'neither nft nor iptables is here: redirect rules, if there are any, are left');
    return 1;
  }
  if ([...results, guard, pins, kept, kernel].some((result) => result instanceof Error)) return 1;
  log.info(
    {},
    [...results, guard].includes('removed')
      ? 'pods of this node reach the metadata service of the machine again, unless an agent that still runs puts the rules back'
      : 'there were no redirect rules',
  );
  return 0;
}

async function restoredKernel({ files = kernelFiles, log }: RedirectDoors) {
  const result = await removal(() => restoreKernel(files));
  if (result === 'removed') log.info({}, 'kernel settings are as they were before NMI set them');
  if (result instanceof Error)
    log.error(
      { error: result },
      'kernel settings could not be put back: mount the /proc/sys/net of the host at /host/proc/sys/net, or set net.ipv4.conf.all.route_localnet, ' +
        'net.ipv4.tcp_migrate_req and net.ipv4.conf.lo.tag to 0 on the node',
    );
  return result;
}

async function removeFromHost({ hostEtc = '' }: Settings, { log }: RedirectDoors) {
  const result = await removal(() => removeGuard(hostEtc));
  if (result === 'removed') log.info({}, 'the guard was removed from the host: its next start is without it');
  if (result instanceof Error) log.error({ error: result }, 'the guard could not be removed from the host');
  return result;
}

/** Without --interception=redirect, rules of an earlier setting may still redirect calls. Checked once, at the start. */
export async function warnOfLeftovers(config: Settings, doors: RedirectDoors): Promise<void> {
  const { nftables, iptables } = allFirewalls(config, doors);
  const guard = { name: 'routing policy', ...createGuard(config, doors) };
  for (const firewall of [nftables, ...iptables, guard]) {
    // This setting does not need the right to list rules, so errors are ignored.
    if (await firewall.hasRules().catch(() => false))
      doors.log.warn(
        { firewall: firewall.name },
        'redirect rules of an earlier setting are still on this node; "nmi uninstall-redirect" removes them',
      );
  }
}

function createGuard(target: Settings, { run = runProgram, log }: RedirectDoors) {
  return createRouteGuard(target, run, log);
}
