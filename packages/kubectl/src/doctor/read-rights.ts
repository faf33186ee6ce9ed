import { createLimit } from '@pod-identity/kit/core';
import { hasRight } from '../cluster/account-right.ts';
import type { ClusterReader } from '../cluster/lists.ts';
import { isManaged, ownOf, type Installed, type Services } from '../cluster/services.ts';
import { isOfMic, neededRights } from './needed-rights.ts';
import type { ReviewedRight } from './facts.ts';

/** Some forty reviews, without a burst that the API server's fairness would queue. */
const atATime = 8;

/** What the API server says of the rights of the services' ServiceAccounts. */
export async function reviewRights(
  services: Services,
  reader: ClusterReader,
): Promise<readonly ReviewedRight[]> {
  const limit = createLimit(atATime);
  const reviews = accountsOf(services).flatMap(({ account, hasNoMic }) =>
    neededRights[account.service]
      .filter((right) => !(hasNoMic && isOfMic(right)))
      .map((right) => ({ account, right })),
  );
  const review = async (one: (typeof reviews)[number]) => ({
    ...one,
    isAllowed: await hasRight(one, reader),
  });
  return Promise.all(reviews.map((one) => limit(() => review(one))));
}

/** Of our services: the original's need other rights. */
const accountsOf = ({ mic, nmi, broker }: Services) =>
  ownOf<Installed<object>>([...mic, ...nmi, ...broker]).map((one) => ({
    account: { service: one.role, namespace: one.namespace, name: one.account },
    hasNoMic: isManaged(one),
  }));
