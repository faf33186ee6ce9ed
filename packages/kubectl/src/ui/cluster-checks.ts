// What `doctor` finds, for the page.
import { KubeError } from '@pod-identity/kit/kube';
import { CommandProblem, type Session } from '../cli/command.ts';
import { describeFailure } from '../cluster/connect.ts';
import { readReport } from '../doctor/doctor.ts';
import type { ClusterChecks } from './picture.ts';

/** Rejects with a sentence for the user. */
export async function readClusterChecks(session: Session): Promise<ClusterChecks> {
  const { checks } = await readReport(session).catch((error: unknown) => {
    throw error instanceof KubeError
      ? new CommandProblem(describeFailure(session.kube.server, error))
      : error;
  });
  return {
    findings: checks.flatMap(({ id, findings }) => findings.map((found) => ({ check: id, ...found }))),
    unknown: checks.flatMap(({ id, unknown }) => unknown.map((why) => `${id}: ${why}`)),
  };
}
