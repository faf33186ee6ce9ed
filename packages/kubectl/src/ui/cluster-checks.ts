// What is misconfigured, for the page.
import { problem } from '@pod-identity/policy';
import type { Session } from '../cli/command.ts';
import { readReport } from '../judge/read-report.ts';
import type { ClusterChecks } from './picture.ts';

export async function readClusterChecks(session: Session): Promise<ClusterChecks> {
  const { causes, unknown } = await readReport(session);
  const findings = causes.map(({ objects: [object = ''], text, remedy }) => ({
    check: 'doctor',
    object,
    finding: problem('pod', text, remedy),
  }));
  return { findings, unknown };
}
