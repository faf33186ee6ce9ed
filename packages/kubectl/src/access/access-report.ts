import { createPrinter } from '@pod-identity/kit/serve';
import { exitCodes, CommandProblem, type PlugInCommand } from '../cli/command.ts';
import { accessReportCommand, judgeEach } from '../../../mic/src/commands/plug-in.ts';
import { isForPrograms } from '../print/output.ts';
import { rulesOf } from './modes.ts';

export const accessReport: PlugInCommand = {
  name: 'access-report',
  summary:
    'prints the roles that keep the identities in use working with --identity-access=rbac, to judge one by one and apply',
  examples: ['access-report > roles.yaml'],
  deadlineMs: 120_000,
  async run(session) {
    if (isForPrograms(session)) throw new CommandProblem('access-report prints YAML to apply: leave -o out');
    const { kube: transport, clock, log, signal, out } = session;
    const { forceNamespaced } = await rulesOf(session);
    const printer = createPrinter((line) => out.line(line));
    await accessReportCommand({ rules: { forceNamespaced }, transport, clock, log, signal, printer });
    // The report is often read by kubectl alone.
    session.err(`note: ${judgeEach}`);
    return exitCodes.ok;
  },
};
