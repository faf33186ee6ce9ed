import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import { exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { isForPrograms } from '../print/output.ts';
import { reportNotes } from './access.ts';
import { describeHolder, grantsOf, type Holder, type TargetGrant } from './grants.ts';
import { openRights, type Rights } from './rights.ts';
import { identityArgument, readTargets } from './target.ts';
import { createReviews, rightIn, type Right } from './verdicts.ts';

export const whoCan: PlugInCommand = {
  name: 'who-can',
  summary:
    'tells which ServiceAccounts, users and groups have the right to use an Azure identity, and by which roles',
  args: [{ name: 'identity', what: identityArgument }],
  examples: [
    'who-can shop/reader',
    'who-can /subscriptions/S/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader',
  ],
  async run(session, { args: [identity = ''] }) {
    const targets = await readTargets(session, identity);
    const rights = await openRights(session);
    const notes = [...rights.notes, ...(rights.grants === undefined ? [noGrants] : [])];
    const found = await Promise.all(targets.map((target) => holdersOf(session, { rights, target })));
    if (isForPrograms(session)) session.out.object({ source: rights.source, targets: found, notes });
    else if (rights.grants !== undefined) print(session, found);
    reportNotes(session, notes);
    return rights.grants === undefined ? exitCodes.unknown : exitCodes.ok;
  },
};

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

function print({ out }: Session, found: readonly FoundHolders[]): void {
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
