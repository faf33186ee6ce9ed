// Room: `status`: the causes for which pods wait, worst first, with remedies; then the services and how many pods there are.
// It must not decide anything: judge does.
import { exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { readReport } from '../judge/read-report.ts';
import type { Report } from '../judge/report.ts';
import { isForPrograms } from '../print/output.ts';
import { printReport } from './print-report.ts';

export const statusCommand: PlugInCommand = {
  name: 'status',
  summary: 'what waits and why, who must act, and MIC, NMI and the broker',
  options: [{ flags: '--all', what: 'list all pods, also those that are well' }],
  examples: ['status', 'status -A --all', 'status -n shop -o json'],
  run: async (session, given) => print(session, await readReport(session), given),
};

/** Returns the exit code. */
function print(session: Session, report: Report, { options }: Given): number {
  const { out, err, namespace } = session;
  if (isForPrograms(session)) out.object({ namespace: namespace ?? null, ...report });
  else {
    out.line(namespace === undefined ? 'all namespaces' : `namespace ${namespace}; -A for all`);
    printReport(session, report, { isAll: options['all'] === true });
  }
  for (const text of report.unknown) err(`not known: ${text}`);
  return exitCodeOf(report);
}

export function exitCodeOf({ causes, unknown }: Pick<Report, 'causes' | 'unknown'>): number {
  if (causes.some(({ state }) => state === 'problem')) return exitCodes.problem;
  const isUnknown = unknown.length > 0 || causes.some(({ state }) => state === 'unknown');
  return isUnknown ? exitCodes.unknown : exitCodes.ok;
}
