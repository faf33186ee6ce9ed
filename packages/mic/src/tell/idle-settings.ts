import type { Log } from '@pod-identity/kit/serve';
import { whoDecides } from '@pod-identity/policy';
import type { MicConfig } from '../config/config.ts';

/** Tells what of the configuration has no effect, or less than was probably meant. */
export function reportIdleSettings(config: MicConfig, log: Log): void {
  for (const { flag, why } of config.ignored) log.warn({ flag, why }, 'this flag has no effect any more');
  if (config.startupTaint === undefined)
    log.info({}, 'start-up taints are left alone (--startup-taint, --nmi-daemonset)');
  if (config.access.mode === 'namespace') log.warn({}, whoDecides.namespace);
}
