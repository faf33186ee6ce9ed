import { createBudgets, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import { accessCheck, whoDecides } from '@pod-identity/policy';
import type { WouldRefuse } from '../access/guard.ts';
import type { NmiConfig } from '../config/config.ts';

/** A limit is needed: an editor can create any number of ServiceAccounts and AzureIdentities. */
const perNamespace = { burst: 20, perSecond: 0.2 };

/** Mode `warn`: a line for each ServiceAccount and identity that would be refused. */
export function createAccessLog(
  log: Log,
  clock: Pick<Clock, 'now'>,
): (who: Pick<WouldRefuse, 'access' | 'targets'>) => void {
  const budgets = createBudgets(perNamespace);
  return ({ access, targets }) => {
    const { subject } = access;
    if (!budgets.take(subject.namespace, clock.now())) return;
    const serviceAccount = `${subject.namespace}/${subject.name}`;
    for (const target of targets)
      log.warn(
        { serviceAccount, [target.resource]: target.names[0], check: accessCheck(subject, target) },
        'a token was given that --identity-access=rbac would refuse: the ServiceAccount has no right to use this',
      );
  };
}

/** Logs at the start which rights the access mode does not check. */
export function reportAccessMode(
  log: Pick<Log, 'info' | 'warn'>,
  { identityAccess, exceptionNamespaces }: Pick<NmiConfig, 'identityAccess' | 'exceptionNamespaces'>,
): void {
  if (identityAccess === 'namespace') log.info({}, whoDecides.namespace);
  if (identityAccess !== 'rbac' && exceptionNamespaces.size === 0) log.warn({}, allExceptions);
}

const allExceptions =
  'whoever may write an AzurePodIdentityException may use all identities of the machine: name the namespaces that need exceptions ' +
  '(--exception-namespaces), or set --identity-access=rbac';
