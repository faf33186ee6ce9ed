import { rulesOf } from '../rights/modes.ts';
import { readRights } from '../rights/verdicts.ts';
import type { Session } from '../cli/command.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { readMissed } from './read-missed.ts';
import { judge, requestsOf } from './judge.ts';
import type { Report } from './report.ts';

/** Reads all again, the services too. */
export const readReport = async (session: Session): Promise<Report> =>
  reportOn(session, await readCluster(session));

/** Asks about the rights of what was read. */
export async function reportOn(session: Session, read: ClusterRead): Promise<Report> {
  const rules = rulesOf(read.services);
  const [missed, { rightOf }] = await Promise.all([
    readMissed(session, read),
    readRights(session, requestsOf(read, rules)),
  ]);
  return judge({ read, rules, rightOf, missed });
}
