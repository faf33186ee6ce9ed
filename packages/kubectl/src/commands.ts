// Room: `kubectl azure-pod-identity`: what administrators and developers ask about their cluster, from their own machine.
// It must not write to a cluster, or decide anything that policy, mic and nmi decide.
import { access } from './access/access.ts';
import type { PlugInCommand } from './cli/command.ts';
import { doctor } from './doctor/doctor.ts';
import { explain } from './explain/explain.ts';
import { logsCommand } from './logs/logs.ts';
import { migrateCommand } from './migrate/migrate.ts';
import { statusCommand } from './status/status.ts';
import { uiCommand } from './ui/ui.ts';

/** In the order of `--help`. */
export const commands: readonly PlugInCommand[] = [
  statusCommand,
  uiCommand,
  explain,
  doctor,
  access,
  logsCommand,
  migrateCommand,
];
