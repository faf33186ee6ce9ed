import { logsCommand } from './logs/logs.ts';
import { statusCommand } from './status/status.ts';
import type { PlugInCommand } from './cli/command.ts';

/** In the order of `--help`. */
export const commands: readonly PlugInCommand[] = [statusCommand, logsCommand];
