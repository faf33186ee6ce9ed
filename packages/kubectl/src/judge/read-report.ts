import { rulesOf } from '../rights/modes.ts';
import { openRights } from '../rights/rights.ts';
import { createReviews, rightIn, type Right } from '../rights/verdicts.ts';
import type { Session } from '../cli/command.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { readMissed } from './read-missed.ts';
import { judge, requestKey, requestsOf, type JudgeInput } from './judge.ts';
import type { Report } from './report.ts';

/** Reads all again, the services too. */
export const readReport = async (session: Session): Promise<Report> =>
  reportOn(session, await readCluster(session));

/** Asks about the rights of what was read. */
export async function reportOn(session: Session, read: ClusterRead): Promise<Report> {
  const missed = readMissed(session, read);
  const rules = rulesOf(read.services);
  const requests = requestsOf(read, rules);
  const rights = new Map<string, Right>();
  if (requests.length > 0) {
    const review = createReviews(await openRights(session), session);
    const verdicts = requests.map(async (request) => {
      rights.set(requestKey(request), rightIn(await review(request.subject, request.target)));
    });
    await Promise.all(verdicts);
  }
  const rightOf: JudgeInput['rightOf'] = (request) => rights.get(requestKey(request)) ?? 'unknown';
  return judge({ read, rules, rightOf, missed: await missed });
}
