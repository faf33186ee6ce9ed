import type { Ambient } from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import { chooseFirewall, type Firewalls } from './choose-firewall.ts';
import { createConntrackCutter } from './conntrack.ts';
import { createRedirect, type Redirect } from './installer.ts';
import { createIptables, type IptablesProgram } from './iptables.ts';
import { hasLegacyTables, kernelFiles, prepareKernel, type KernelFiles } from './kernel-settings.ts';
import { table, tableInput } from './nftables-rules.ts';
import { createNftables } from './nftables.ts';
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
  { everyMs, by, cutsOldConnections }: NmiConfig['firewall'],
  doors: RedirectDoors,
): Redirect {
  const { clock, log, run = runProgram, files = kernelFiles } = doors;
  const cut = createConntrackCutter(target, doors.run ?? runUnread, log);
  const guard = createRouteGuard(target, run, log);
  return createRedirect({
    everyMs,
    clock,
    log,
    firewall: chooseFirewall({ by, log, ...allFirewalls(target, doors) }),
    ...(cutsOldConnections ? { afterInstall: cut } : {}),
    ...(doors.onRepaired && { onRepaired: doors.onRepaired }),
    prepareKernel: async () => {
      // After the firewall rules, whose marks it needs.
      await guard.keep();
      return prepareKernel(target, files);
    },
  });
}

const iptablesPrograms: readonly IptablesProgram[] = ['iptables-nft', 'iptables-legacy', 'iptables'];

/** All firewalls that may have rules of NMI. */
export function allFirewalls(target: RedirectTarget, doors: RedirectDoors): Firewalls {
  const { run = runProgram, files = kernelFiles } = doors;
  const legacy = { isInUse: () => hasLegacyTables(files) };
  return {
    nftables: createNftables({ name: table, input: tableInput(target) }, run),
    iptables: iptablesPrograms.map((program) =>
      createIptables({ program, target, run, ...(program === 'iptables-legacy' && legacy) }),
    ),
  };
}
