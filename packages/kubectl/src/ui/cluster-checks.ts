// What `doctor` finds, for the page.
import type { Session } from '../cli/command.ts';
import { readReport } from '../doctor/doctor.ts';
import type { ClusterChecks } from './picture.ts';

export async function readClusterChecks(session: Session): Promise<ClusterChecks> {
  const { checks } = await readReport(session);
  return {
    findings: checks.flatMap(({ id, findings }) => findings.map((found) => ({ check: id, ...found }))),
    unknown: checks.flatMap(({ id, unknown }) => unknown.map((why) => `${id}: ${why}`)),
  };
}
