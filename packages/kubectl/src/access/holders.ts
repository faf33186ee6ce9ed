import { accessTargetKey, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import { exitCodes, type Session } from '../cli/command.ts';
import type { Out } from '../print/output.ts';
import { describeHolder, grantsOf, type Holder, type TargetGrant } from './grants.ts';
import { openRights, type Rights } from './rights.ts';
import { readTargets } from './target.ts';
import { readUses } from './uses.ts';
import { createReviews, rightIn, type AccessResult, type Right } from './verdicts.ts';

/** By ClusterRoles who may use an Azure identity, and by bindings and exceptions which pods do. */
export async function readHolders(session: Session, identity: string): Promise<AccessResult> {
  const targets = await readTargets(session, identity);
  const keys = new Set(targets.map(accessTargetKey));
  const rights = await openRights(session);
  const [found, uses] = await Promise.all([
    Promise.all(targets.map((target) => holdersOf(session, { rights, target }))),
    readUses(session, rights, (using) => using.targets.some((target) => keys.has(accessTargetKey(target)))),
  ]);
  const areKnown = rights.grants !== undefined;
  return {
    object: { ...uses.object, targets: found },
    print: (out) => {
      if (areKnown) print(out, found);
      uses.print(out);
    },
    notes: [...uses.notes, ...(areKnown ? [] : [noGrants])],
    code: areKnown ? uses.code : exitCodes.unknown,
  };
}

const noGrants =
  'who has rights can be told only by ClusterRoles and ClusterRoleBindings, which you may not list; access NAMESPACE/SERVICEACCOUNT tells it for one ServiceAccount if you may create SubjectAccessReviews';

/** Fields of the JSON. */
export interface FoundHolder extends Holder {
  /** The name that the right is on; '*': all identities, by a wildcard. */
  readonly on: string;
  readonly clusterRole: string;
  readonly clusterRoleBinding: string;
  /** Of ServiceAccounts: what the API server says. */
  readonly verified?: Right;
}

export interface FoundHolders {
  readonly resource: string;
  readonly name: string;
  readonly holders: readonly FoundHolder[];
}

async function holdersOf(
  session: Session,
  { rights, target }: { readonly rights: Rights; readonly target: AccessTarget },
): Promise<FoundHolders> {
  const review = createReviews(rights, session);
  const verified = async (holder: Holder) => {
    if (rights.source !== 'reviews' || !isAccount(holder)) return {};
    return { verified: rightIn(await review(holder, target)) };
  };
  const grants = [...grantsOf(rights.grants ?? [], target)].sort(byHolder);
  const holders = grants.map(async ({ holder, role, binding, on }) => ({
    ...holder,
    on,
    clusterRole: role,
    clusterRoleBinding: binding,
    ...(await verified(holder)),
  }));
  return { resource: target.resource, name: target.names[0], holders: await Promise.all(holders) };
}

function isAccount(holder: Holder): holder is Holder & AccessSubject {
  return holder.kind === 'ServiceAccount' && holder.namespace !== undefined;
}

function byHolder(a: TargetGrant, b: TargetGrant): number {
  const [one, other] = [a, b].map(({ holder, binding }) => `${describeHolder(holder)} ${binding}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

function print(out: Out, found: readonly FoundHolders[]): void {
  out.table({
    columns: ['HOLDER', 'RIGHT ON', 'VERIFIED', 'CLUSTERROLE', 'CLUSTERROLEBINDING'].map((name) => ({
      name,
    })),
    rows: found.flatMap(({ holders }) =>
      holders.map((holder) => [
        describeHolder(holder),
        holder.on,
        holder.verified ?? '',
        holder.clusterRole,
        holder.clusterRoleBinding,
      ]),
    ),
  });
}
