// The rights without which MIC, NMI and the broker do not work: those of deploy/base and of the broker's manifest, which a test compares.
import type { NeededRight } from '../cluster/account-right.ts';
import type { Role } from '../cluster/workload.ts';

const ours = 'aadpodidentity.k8s.io';

function rights(group: string, resources: readonly string[], verbs: readonly string[]): NeededRight[] {
  return resources.flatMap((each) => {
    const [resource = '', subresource] = each.split('/');
    return verbs.map((verb) => ({
      verb,
      group,
      resource,
      ...(subresource !== undefined && { subresource }),
    }));
  });
}

const own = (needed: readonly NeededRight[]): NeededRight[] =>
  needed.map((right) => ({ ...right, isOwn: true }));

const common = [
  ...rights('', ['namespaces'], ['list', 'watch']),
  ...rights('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ...rights('', ['events'], ['create', 'patch']),
];

export const neededRights: Readonly<Record<Role, readonly NeededRight[]>> = {
  mic: [
    ...rights('', ['pods'], ['list', 'watch']),
    ...rights('', ['nodes'], ['get', 'list', 'watch']),
    ...common,
    ...rights(ours, ['azureidentities', 'azureidentitybindings'], ['list', 'watch']),
    ...rights(ours, ['azureidentities/status', 'azureidentitybindings/status'], ['patch']),
    ...rights(ours, ['azureassignedidentities'], ['get', 'list', 'create', 'update', 'patch', 'delete']),
    ...own(rights('coordination.k8s.io', ['leases'], ['get', 'create', 'update'])),
    ...own(rights('', ['configmaps'], ['get', 'list', 'create', 'update', 'delete'])),
  ],
  nmi: [
    ...rights('', ['pods'], ['get', 'list', 'watch']),
    ...common,
    ...rights(
      ours,
      ['azureidentities', 'azureidentitybindings', 'azurepodidentityexceptions', 'azureassignedidentities'],
      ['list', 'watch'],
    ),
  ],
  broker: [
    ...rights('', ['pods'], ['get']),
    ...rights('authentication.k8s.io', ['tokenreviews'], ['create']),
    ...rights('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ],
};

/** In managed mode there is no MIC whose objects NMI could read. */
export const isOfMic = ({ resource }: NeededRight): boolean => resource === 'azureassignedidentities';

export const manifestOf: Readonly<Record<Role, string>> = {
  mic: 'deploy/base/mic/rbac.yaml',
  nmi: 'deploy/base/nmi/rbac.yaml',
  broker: 'deploy/components/broker/parts/rbac.yaml',
};
