// Room: commands of `nmi` besides the service: `redirect`, `check-ready`, `check-federated`.
// It must not serve requests of pods.
import type { NmiConfig } from '../config/config.ts';
import { assembleRedirect, redirectTable, type RedirectDoors } from '../redirect/assemble.ts';
import { createRouteGuard } from '../redirect/route-guard.ts';
import { guardFiles } from '../redirect/boot-guard.ts';
import { removeGuard, whyNotKept, writeGuard } from '../redirect/host-files.ts';
import { removeIptablesChains } from '../redirect/iptables-chains.ts';
import { kernelFiles, restoreKernel } from '../redirect/kernel-settings.ts';
import { removePortPins } from '../redirect/port-pins.ts';
import { isBusy, ProgramError, runProgram } from '../redirect/run-program.ts';
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

/** Removes all rules of NMI, and puts back kernel settings. Returns the exit code: 1 if some may be left. */
export async function uninstallRedirect(config: Settings, doors: RedirectDoors): Promise<number> {
  const { log, run = runProgram, files = kernelFiles } = doors;
  const { hostEtc = '' } = config;
  const remove = createRemoval(log);
  // First: the rules protect the node's loopback addresses, which the settings open.
  const kernel = await remove(settingsTexts, () => restoreKernel(files));
  // Rules are found by their names; their target does not matter.
  const rules = await remove(textsOf('redirect rules'), () => redirectTable(config, run).remove());
  if (rules === 'no-program') {
    log.error({}, 'nft is not here: redirect rules, if there are any, are left');
    return 1;
  }
  const older = await remove(textsOf('rules of iptables'), () => removeIptablesChains(run));
  const guard = await remove(textsOf('routing rules'), () => createRouteGuard(config, run, log).remove());
  const pins = await remove(textsOf('the rules of the ports'), () => removePortPins(run));
  const kept = await remove(hostTexts, () => removeGuard(hostEtc));
  if ([rules, older, guard, pins, kept, kernel].includes('failed')) return 1;
  log.info(
    {},
    [rules, older, guard].includes('removed')
      ? 'pods of this node reach the metadata service of the machine again, unless an agent that still runs puts the rules back'
      : 'there were no redirect rules that nft can see; for those of iptables-legacy: iptables-legacy -t nat -S on the node',
  );
  return 0;
}

interface RemovalTexts {
  readonly done: string;
  readonly failed: string;
}

const textsOf = (what: string): RemovalTexts => ({
  done: `${what} removed`,
  failed: `${what} could not be removed`,
});

const hostTexts: RemovalTexts = {
  done: 'the guard was removed from the host: its next start is without it',
  failed: 'the guard could not be removed from the host',
};

const settingsTexts: RemovalTexts = {
  done: 'kernel settings are as they were before NMI set them',
  failed:
    'kernel settings could not be put back: mount the /proc/sys/net of the host at /host/proc/sys/net, or set net.ipv4.conf.all.route_localnet, ' +
    'net.ipv4.tcp_migrate_req and net.ipv4.conf.lo.tag to 0 on the node',
};

/** Returns a function that removes something and logs whether it was there. */
function createRemoval(log: RedirectDoors['log']) {
  return async ({ done, failed }: RemovalTexts, remove: () => Promise<boolean>) => {
    try {
      if (!(await remove())) return 'nothing';
      log.info({}, done);
      return 'removed';
    } catch (error) {
      if (error instanceof ProgramError && error.trouble === 'missing') return 'no-program';
      log.error({ error }, failed);
      return 'failed';
    }
  };
}
