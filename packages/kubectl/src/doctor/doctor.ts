// Room: `doctor`: what `status` says of all namespaces, and what only administrators can see: definitions and the original's lock.
// It must not decide about pods or identities: judge does.
import { type PlugInCommand, type Session } from '../cli/command.ts';
import { readCluster } from '../cluster/read-cluster.ts';
import { byWeight } from '../judge/causes.ts';
import { reportOn } from '../judge/read-report.ts';
import type { Report } from '../judge/report.ts';
import { isForPrograms } from '../print/output.ts';
import { printReport } from '../status/print-report.ts';
import { exitCodeOf } from '../status/status.ts';
import { checkDefinitions } from './definitions.ts';
import { checkOriginal } from './original.ts';

export const doctor: PlugInCommand = {
  name: 'doctor',
  summary: 'what is misconfigured in the cluster, each with its remedy, and how many checks hold',
  examples: ['doctor', 'doctor -o wide', 'doctor -o json'],
  async run(session) {
    const report = await readDoctor({ ...session, namespace: undefined });
    const { out, err, format } = session;
    if (isForPrograms(session)) out.object(report);
    else {
      printReport(session, report, { isAll: false });
      out.line(`${report.holding.length} checks hold`);
      if (format === 'wide') for (const words of report.holding) out.line(`  ${words}`);
    }
    for (const text of report.unknown) err(`not known: ${text}`);
    return exitCodeOf(report);
  },
};

async function readDoctor(session: Session): Promise<Report> {
  const read = await readCluster(session);
  const [report, ...checks] = await Promise.all([
    reportOn(session, read),
    checkDefinitions(session),
    checkOriginal(session, read.services),
  ]);
  const found = checks.flatMap((check) => check.found.map((cause) => ({ ...cause, pods: [] })));
  const held = checks.filter((check) => check.found.length + check.unknown.length === 0);
  return {
    ...report,
    causes: [...report.causes, ...found].sort(byWeight),
    holding: [...report.holding, ...held.flatMap((check) => ('holds' in check ? [check.holds] : []))],
    unknown: [...report.unknown, ...checks.flatMap(({ unknown }) => unknown)],
  };
}
