import type { Ambient } from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import { createConntrackCutter } from './conntrack.ts';
import { createRedirect, type Redirect } from './installer.ts';
import { removeIptablesChains } from './iptables-chains.ts';
import { kernelFiles, prepareKernel, type KernelFiles } from './kernel-settings.ts';
import { table, tableInput } from './nftables-rules.ts';
import { createNftables, type RuleTable } from './nftables.ts';
import { createRouteGuard } from './route-guard.ts';
import { runProgram, runUnread, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

export interface RedirectDoors extends Pick<Ambient, 'clock' | 'log'> {
  readonly onRepaired?: () => void;
  readonly run?: RunProgram;
  readonly files?: KernelFiles;
}

export function assembleRedirect(
  target: RedirectTarget,
  { everyMs, cutsOldConnections }: NmiConfig['firewall'],
  doors: RedirectDoors,
): Redirect {
  const { clock, log, run = runProgram, files = kernelFiles } = doors;
  const cut = createConntrackCutter(target, doors.run ?? runUnread, log);
  const guard = createRouteGuard(target, run, log);
  let isTidy = false;
  /** Once: a version of ours that still runs here writes its iptables rules again. */
  const tidy = async () => {
    if (isTidy) return;
    isTidy = true;
    await removeIptablesChains(run).then(
      (hadRules) =>
        hadRules && log.info({}, 'older redirect rules removed, which were written with iptables'),
      (error: unknown) => log.warn({ error }, 'older redirect rules of iptables could not be removed'),
    );
  };
  return createRedirect({
    everyMs,
    clock,
    log,
    rules: redirectTable(target, run),
    ...(cutsOldConnections ? { afterInstall: cut } : {}),
    ...(doors.onRepaired && { onRepaired: doors.onRepaired }),
    prepareKernel: async () => {
      // After the firewall rules, whose marks it needs.
      await guard.keep();
      await tidy();
      return prepareKernel(target, files);
    },
  });
}

export function redirectTable(target: RedirectTarget, run: RunProgram): RuleTable {
  return createNftables(table, tableInput(target), run);
}
