import { createLimit } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { memberOf, stringAt } from '../../../mic/src/commands/plug-in.ts';
import { hasRight } from '../cluster/account-right.ts';
import type { Installed, Services } from '../cluster/services.ts';
import { isOfMic, neededRights } from './needed-rights.ts';
import type { Account, ReviewedRight } from './world.ts';

/** Some forty reviews, without a burst that the API server's fairness would queue. */
const atATime = 8;

/** What the API server says of the rights of the services' ServiceAccounts. */
export async function reviewRights(
  services: Services,
  { kube, signal }: { readonly kube: KubeTransport; readonly signal: AbortSignal },
): Promise<readonly ReviewedRight[]> {
  const limit = createLimit(atATime);
  const reviews = accountsOf(services).flatMap(({ account, isManaged }) =>
    neededRights[account.service]
      .filter((right) => !(isManaged && isOfMic(right)))
      .map((right) => ({ account, right })),
  );
  const review = async (one: (typeof reviews)[number]) => ({
    ...one,
    isAllowed: await hasRight(one, { kube, signal }),
  });
  return Promise.all(reviews.map((one) => limit(() => review(one))));
}

/** Of our services: the original's need other rights. */
function accountsOf({ mic, nmi, broker }: Services) {
  const of = (service: Account['service'], all: readonly Installed<object>[]) =>
    all
      .filter(({ isOriginal }) => !isOriginal)
      .map(({ namespace, object, config }) => {
        const template = memberOf(memberOf(memberOf(object, 'spec'), 'template'), 'spec');
        const name = stringAt(template, 'serviceAccountName') || 'default';
        return {
          account: { service, namespace, name },
          isManaged: 'mode' in config && config.mode === 'managed',
        };
      });
  return [...of('mic', mic), ...of('nmi', nmi), ...of('broker', broker)];
}
