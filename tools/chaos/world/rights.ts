// Mode `rbac`: the rights of ServiceAccounts on identities, as ClusterRoles and ClusterRoleBindings.
import { deleteObject, type KubeObject } from '../../stage/objects.ts';
import {
  nmiNodes,
  probeIdentities,
  probeNamespace,
  residentIdentity,
  sharedIdentities,
  teams,
} from '../plan/scene.ts';
import { identityIdOf } from './azure.ts';
import { put, residentPod, type World } from './world.ts';

/** A namespace, for all its ServiceAccounts, or one ServiceAccount of `probeNamespace`. */
type Holder = { readonly namespace: string } | { readonly account: string };

const rbac = 'rbac.authorization.k8s.io';
const apiVersion = `${rbac}/v1`;

function roleObject(name: string, rule: object): KubeObject {
  const rules = [{ apiGroups: ['azure.aadpodidentity.k8s.io'], verbs: ['use'], ...rule }];
  return { apiVersion, kind: 'ClusterRole', metadata: { name: `use-${name}` }, rules };
}

function rightObject(azure: string, holder: Holder): KubeObject {
  const subject =
    'account' in holder
      ? { kind: 'ServiceAccount', namespace: probeNamespace, name: holder.account }
      : { apiGroup: rbac, kind: 'Group', name: `system:serviceaccounts:${holder.namespace}` };
  const who = 'account' in holder ? holder.account : holder.namespace;
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: `use-${azure}-${who}` },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: `use-${azure}` },
    subjects: [subject],
  };
}

export async function grant(world: World, azure: string, holder: Holder): Promise<void> {
  await put(world, rightObject(azure, holder));
}

export async function withdraw(world: World, azure: string, holder: Holder): Promise<void> {
  const right = rightObject(azure, holder);
  await world.reliably(`deletion of ${right.metadata.name}`, () => deleteObject(world.stage.kube, right));
}

/** All that pods need, and that teams can lose. */
export async function grantAll(world: World): Promise<void> {
  if (world.mode !== 'rbac') return;
  for (const namespace of teams)
    for (const azure of [...sharedIdentities, 'machines']) await grant(world, azure, { namespace });
  for (const azure of probeIdentities) await grant(world, azure, { namespace: probeNamespace });
  for (const account of ['keeper', ...nmiNodes.map(residentPod)])
    await grant(world, residentIdentity, { account });
}

export async function createRoles(world: World): Promise<void> {
  if (world.mode !== 'rbac') return;
  await put(world, roleObject('machines', { resources: ['machines'] }));
  for (const azure of [...sharedIdentities, ...probeIdentities, residentIdentity])
    await put(
      world,
      roleObject(azure, { resources: ['managedidentities'], resourceNames: [identityIdOf(azure)] }),
    );
  await grantAll(world);
}
