import { resources } from '@pod-identity/crd-types';
import { exitCodes, CommandProblem, type PlugInCommand } from '../cli/command.ts';
import { judgeEach, readAccessReport } from '../../../mic/src/commands/plug-in.ts';
import { listAllowed } from '../cluster/lists.ts';
import { isForPrograms } from '../print/output.ts';
import { rulesOf } from './modes.ts';

const trim = () => true;

export const accessReport: PlugInCommand = {
  name: 'access-report',
  summary:
    'prints the roles that keep the identities in use working with --identity-access=rbac, to judge one by one and apply',
  examples: ['access-report > roles.yaml'],
  async run(session) {
    if (isForPrograms(session)) throw new CommandProblem('access-report prints YAML to apply: leave -o out');
    const { kube: transport, clock, log, signal, out } = session;
    // What MIC would wait for.
    const listed = await listAllowed({
      kube: transport,
      signal,
      kind: resources.AzureIdentity,
      atMost: 1,
      trim,
    });
    if (listed.kind === 'not-read') throw new CommandProblem(listed.text);
    const { forceNamespaced } = await rulesOf(session);
    const report = await readAccessReport({ rules: { forceNamespaced }, transport, clock, log, signal });
    for (const line of report) out.line(line);
    // The report is often read by kubectl alone.
    session.err(`note: ${judgeEach}`);
    return exitCodes.ok;
  },
};
