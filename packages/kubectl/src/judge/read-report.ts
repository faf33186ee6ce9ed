import { rulesOf } from '../rights/modes.ts';
import { openRights } from '../rights/rights.ts';
import { createReviews, rightIn, type Right } from '../rights/verdicts.ts';
import type { Session } from '../cli/command.ts';
import { readCluster } from '../cluster/read-cluster.ts';
import { judge, requestKey, requestsOf } from './judge.ts';
import type { Report } from './report.ts';

/** Reads all again, the services too. */
export async function readReport(session: Session): Promise<Report> {
  const read = await readCluster(session);
  const rules = await rulesOf({ services: () => Promise.resolve(read.services) });
  const requests = requestsOf(read, rules);
  const rights = new Map<string, Right>();
  if (requests.length > 0) {
    const review = createReviews(await openRights(session), session);
    const verdicts = requests.map(async (request) => {
      rights.set(requestKey(request), rightIn(await review(request.subject, request.target)));
    });
    await Promise.all(verdicts);
  }
  return judge({ read, rules, rightOf: (request) => rights.get(requestKey(request)) ?? 'unknown' });
}
