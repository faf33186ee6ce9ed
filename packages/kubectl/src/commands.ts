// Room: `kubectl azure-pod-identity`: what administrators and developers ask about their cluster, from their own machine.
// It must not write to a cluster, or decide anything that policy, mic and nmi decide.
import { access } from './access/access.ts';
import { accessReport } from './access/access-report.ts';
import { inventory } from './access/inventory.ts';
import { whoCan } from './access/who-can.ts';
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
  whoCan,
  inventory,
  accessReport,
  logsCommand,
  migrateCommand,
];
